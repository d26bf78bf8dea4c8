package memstore_test

import (
	"errors"
	"testing"

	"go.uber.org/goleak"

	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/memstore"
	"finest/roles/taskserver/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStore(t *testing.T) {
	storetest.Run(t, storetest.Traits{Open: func(testing.TB, string) engine.Store { return memstore.New() }})
}

func TestBackupIsNoFile(t *testing.T) {
	if err := memstore.New().Backup(t.Context(), "copy.sqlite"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a backup of memory fails with %v", err)
	}
}
