package guard

import (
	"errors"
	"testing"

	"finest/pipeline/shard"
)

// TestLastWords: which ends of the Go runtime the file alone can have caused.
// How it ends for want of memory depends on what it wanted the memory for.
func TestLastWords(t *testing.T) {
	t.Parallel()
	for stderr, file := range map[string]bool{
		"panic: runtime error: index out of range [5] with length 3 [recovered]\n":                           true,
		"runtime: out of memory: cannot allocate 68719476736-byte block\nfatal error: out of memory\n":       true,
		"fatal error: runtime: out of memory\n":                                                              true,
		"fatal error: runtime: cannot allocate memory\n":                                                     true,
		"fatal error: out of memory allocating heap arena metadata\n":                                        true,
		"runtime: goroutine stack exceeds 1000000000-byte limit\nfatal error: stack overflow\n":              true,
		"unexpected fault address 0x7f0000000000\nfatal error: fault\n[signal SIGBUS: bus error code=0x2]\n": false,
		"fatal error: concurrent map writes\npanic: later\n":                                                 false,
		"the disk says: out of memory\n":                                                                     false,
		"":                                                                                                   false,
	} {
		err := limits{data: 1 << 30}.crash([]byte(stderr))
		if errors.Is(err, shard.ErrForm) != file || err != nil != file {
			t.Errorf("%q: %v, the file is blamed: want %t", stderr, err, file)
		}
	}
}
