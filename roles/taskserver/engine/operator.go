package engine

// ForOperator returns an engine for what is done to a store beside its servers:
// import, survey, requeue, ban, clear, retire. It knows no server's terms and
// grants no leases.
func ForOperator(store Store) *Engine {
	return &Engine{store: store, rules: Rules{MaxAttempts: maxAttempts}}
}
