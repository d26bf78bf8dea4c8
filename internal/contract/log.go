package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// MaxLogBytes bounds a claim log; a line has about 150 bytes.
const MaxLogBytes = 64 << 20

// LogLine is one finished task in a claim log.
type LogLine struct {
	Task       string `json:"task"`
	Generation int64  `json:"generation"`
	// Manifest is the SHA-256 of the task's manifest.json.
	Manifest string `json:"manifest"`
}

// Encode returns the line with its newline; a line has one spelling.
func (l LogLine) Encode() []byte {
	return fmt.Appendf(nil, "{\"generation\":%d,\"manifest\":%q,\"task\":%q}\n", l.Generation, l.Manifest, l.Task)
}

// ParseLog reads a claim log. Every line must be spelt as Encode does and end
// in a newline.
func ParseLog(raw []byte) ([]LogLine, error) {
	if len(raw) > MaxLogBytes {
		return nil, invalid("claim log of %d bytes", len(raw))
	}
	var lines []LogLine
	for number := 1; len(raw) > 0; number++ {
		text, rest, complete := bytes.Cut(raw, []byte("\n"))
		if !complete {
			return nil, invalid("claim log line %d has no end", number)
		}
		var line LogLine
		if err := json.Unmarshal(text, &line); err != nil {
			return nil, invalid("claim log line %d: %v", number, err)
		}
		if !taskRE.MatchString(line.Task) || line.Generation < 1 || !hex64.MatchString(line.Manifest) ||
			!bytes.Equal(line.Encode(), raw[:len(text)+1]) {
			return nil, invalid("claim log line %d", number)
		}
		lines = append(lines, line)
		raw = rest
	}
	return lines, nil
}

// LogPath is where the claim log lies in a publication.
const LogPath = "log.jsonl"

// ShardPath returns where the shard with this number, from 0, of a task lies.
func ShardPath(dump, task string, number int) string {
	return fmt.Sprintf("data/%s/%s-%05d.parquet", dump, task, number)
}

// LedgerPath returns where the ledger file with this number of a task lies.
func LedgerPath(dump, task string, number int) string {
	return fmt.Sprintf("ledger/%s/%s-%05d.parquet", dump, task, number)
}

// ManifestPath returns where the manifest of a task lies in a publication.
func ManifestPath(task string) string { return "tasks/" + task + "/manifest.json" }
