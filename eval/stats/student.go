package stats

// student97 holds the 97.5 % quantiles of Student's t distribution for 1, 2, 3 …
// degrees of freedom (any table, such as Abramowitz and Stegun, table 26.10).
var student97 = [...]float64{
	12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
	2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
	2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
}

// critical returns how many standard errors a two-sided 95 % interval reaches to
// each side, for a deviation that was measured with so many degrees of freedom.
// Beyond the table it is that of 30, 60 or 120 degrees, whatever is next below:
// wider, never narrower, than the exact one.
func critical(freedom int) float64 {
	switch {
	case freedom < 1:
		return student97[0]
	case freedom <= len(student97):
		return student97[freedom-1]
	case freedom < 60:
		return student97[len(student97)-1]
	case freedom < 120:
		return 2.000
	}
	return 1.980
}
