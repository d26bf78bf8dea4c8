package validator

// Journal is where the state is written.
type Journal = journal

// WrapJournal lets a test stand between a validator and its journal.
func (v *Validator) WrapJournal(wrap func(path string, j Journal) Journal) {
	v.store.journal = wrap(v.store.journalPath(), v.store.journal)
}

// CompactNow writes a snapshot.
func (v *Validator) CompactNow() error { return v.store.compact() }
