package torch

import (
	"bytes"
	"time"

	"finest/eval/lm"
)

// SetGrace changes how long a program may take to end when it is asked to.
func (t *Trainer) SetGrace(d time.Duration) { t.grace = d }

// SetShard changes how many bytes a shard of tokens may have.
func (t *Trainer) SetShard(bytes int64) { t.shard = bytes }

// Dir is where runs keep their files.
func (t *Trainer) Dir() string { return t.o.Dir }

// MaxShard bounds a shard of tokens in bytes.
const MaxShard = maxShard

// Hear takes lines of a program as those of one run of a job.
func Hear(j lm.Job, kernel string, raw []byte) (lm.Result, error) {
	s := session{job: j, kernel: kernel}
	for _, l := range bytes.Split(raw, []byte("\n")) {
		m, err := parseMessage(l)
		if err == nil {
			err = s.hear(m)
		}
		if err != nil || s.done {
			return s.result, err
		}
	}
	return s.result, errEnded
}

// Environment is what the program is given of a set of variables.
var Environment = environment
