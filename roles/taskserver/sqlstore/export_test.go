package sqlstore

import "context"

// OpenStepped opens a store that calls step before every statement that writes,
// and before and after every commit.
func OpenStepped(ctx context.Context, where string, step func(string)) (*Store, error) {
	return Open(ctx, where, Options{step: step})
}
