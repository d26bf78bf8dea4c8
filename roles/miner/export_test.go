package miner

// Journal is what a miner keeps its journal in.
type Journal = appender

// WrapJournal puts wrap around the journals that m opens.
func (m *Miner) WrapJournal(wrap func(path string, j Journal) Journal) {
	m.openJournal = func(path string) (appender, [][]byte, error) {
		j, entries, err := openJournal(path)
		if err != nil {
			return nil, nil, err
		}
		return wrap(path, j), entries, nil
	}
}

// Card is the dataset card of a publication.
var Card = card
