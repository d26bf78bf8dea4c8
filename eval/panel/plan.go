package panel

// planned is a suite of a plan.
type planned struct {
	suite Suite
	units []Unit
}
