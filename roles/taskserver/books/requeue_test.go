package books_test

import (
	"errors"
	"strings"
	"testing"

	"finest/internal/contract"
	"finest/roles/taskserver/books"
)

// TestSizesAreForgottenOnce: a requeued task forgets the sizes it has, those of
// its survey or of its import, and no others.
func TestSizesAreForgottenOnce(t *testing.T) {
	files := func(bytes int64) []contract.InputFile { return []contract.InputFile{{Path: "a", Bytes: bytes}} }
	of := func(op, actor string) books.Entry {
		return books.Entry{Op: op, Block: 15, Actor: actor, Task: "crawl-000001", From: contract.TaskAvailable, To: contract.TaskAvailable}
	}
	requeue, survey := of(books.OpRequeue, books.ActorOperator), of(books.OpSurvey, books.ActorServer)
	s := newStory(t)
	refused := func(detail books.Requeue, want string) {
		t.Helper()
		if err := s.tell(requeue, detail); !errors.Is(err, books.ErrIllegal) || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want one with %q", err, want)
		}
	}
	refused(books.Requeue{Files: files(0)}, "are not known")
	refused(books.Requeue{Files: append(append(files(1), files(2)...), files(3)...)}, "are not known") // more than a task has
	s.must(requeue, books.Requeue{Files: files(7)})
	refused(books.Requeue{Files: files(7)}, "forgotten already")
	s.must(requeue, books.Requeue{}) // earlier versions forgot none
	for size := int64(8); size < 10; size++ {
		s.must(survey, books.Survey{Files: files(size)})
		if err := s.tell(survey, books.Survey{Files: files(size)}); !errors.Is(err, books.ErrIllegal) {
			t.Errorf("surveyed twice: %v", err)
		}
		refused(books.Requeue{Files: files(7)}, "not those of its survey")
		s.must(requeue, books.Requeue{Files: files(size)})
	}
	refused(books.Requeue{Files: files(9)}, "forgotten already")
}
