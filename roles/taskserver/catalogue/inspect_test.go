package catalogue_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"finest/roles/taskserver/catalogue"
)

// What is decided by a part of a file is decided the same by all of it: reading
// little costs no truth.
func TestInspectionOfAPartStands(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		texts := make([]string, 1+chance.IntN(4))
		for i := range texts {
			texts[i] = record(i, chance.IntN(3000))
			if chance.IntN(3) == 0 {
				texts[i] += record(-i, chance.IntN(3000))
			}
		}
		file := members(t, texts...)
		if chance.IntN(3) == 0 {
			file = []byte(strings.Join(texts, ""))
		}
		_, want := catalogue.InspectHead(file, true)
		for range 8 {
			n := min(len(file), 512+chance.IntN(len(file))) // a header's length is never decided by less
			decided, got := catalogue.InspectHead(file[:n], n == len(file))
			if decided && fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("%d of %d bytes: %v, all of them: %v", n, len(file), got, want)
			}
		}
	}
}

func FuzzInspectHead(f *testing.F) {
	f.Add(members(f, record(1, 1), record(2, 2)), true)
	f.Add(members(f, record(1, 1)+record(2, 2)), false)
	f.Add([]byte(record(1, 1)+record(2, 2)), false)
	f.Fuzz(func(t *testing.T, head []byte, whole bool) {
		decided, err := catalogue.InspectHead(head, whole)
		if err != nil && !errors.Is(err, catalogue.ErrNoRanges) && !errors.Is(err, catalogue.ErrNotWARC) {
			t.Errorf("an error of its own: %v", err)
		}
		if !decided && (whole || err != nil) {
			t.Errorf("undecided: whole %t, error %v", whole, err)
		}
	})
}
