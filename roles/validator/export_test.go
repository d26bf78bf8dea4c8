package validator

// Journal is where the state is written.
type Journal = journal

// WrapJournal lets a test stand between a validator and its journal.
func (v *Validator) WrapJournal(wrap func(path string, j Journal) Journal) {
	v.store.journal = wrap(v.store.journalPath(), v.store.journal)
}

// CompactNow writes a snapshot.
func (v *Validator) CompactNow() error { return v.store.compact() }

// SetStreak sets how many tasks of a hotkey were accepted.
func (v *Validator) SetStreak(hotkey string, n int64) { v.store.state.Streak[hotkey] = n }
