package commands_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"finest/eval"
)

// corpus is the script command
//
//	corpus FILE DOCUMENTS [from=N] [garbled] [plain]
//
// It writes invented documents as JSON lines, those numbered from N on: the same
// pages in every file, with the letters in disorder if garbled is given. With plain
// they have no ids, as in a file of a panel.
func corpus(ts *testscript.TestScript, _ bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	from, garbled, plain := 0, false, false
	for _, a := range args[2:] {
		if number, ok := strings.CutPrefix(a, "from="); ok {
			from, err = strconv.Atoi(number)
			ts.Check(err)
		}
		garbled, plain = garbled || a == "garbled", plain || a == "plain"
	}
	var b strings.Builder
	for i := from; i < from+n; i++ {
		d := map[string]string{"text": story(i, garbled)}
		if !plain {
			d["id"], d["url"] = "page-"+strconv.Itoa(i), "http://site"+strconv.Itoa(i%50)+".example/"+strconv.Itoa(i)
		}
		raw, err := json.Marshal(d)
		ts.Check(err)
		b.Write(append(raw, '\n'))
	}
	path := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(filepath.Dir(path), 0o755))
	ts.Check(os.WriteFile(path, []byte(b.String()), 0o600))
}

// story is a text that a small model can learn something of.
func story(number int, garbled bool) string {
	s := eval.Seed{}.Sub("story/" + strconv.Itoa(number)).Stream()
	pick := func(words ...string) string { return words[s.Below(uint64(len(words)))] }
	var b strings.Builder
	for range 20 + s.Below(20) {
		who := pick("the miller", "a gardener", "my sister", "the captain", "an old friend", "the baker", "her uncle", "our teacher")
		what := pick("carried", "painted", "forgot", "mended", "borrowed", "sold", "found", "measured") + " " +
			pick("a lantern", "the boat", "three letters", "a copper kettle", "the gate", "some bread", "a map of the coast", "the clock")
		where := pick("behind the mill", "at the harbour", "in the orchard", "before sunrise", "after the storm", "near the old bridge", "on market day")
		// Numbers keep pages from having long runs of words in common.
		price, day := strconv.FormatUint(s.Below(1e7), 10), strconv.FormatUint(s.Below(1e7), 10)
		b.WriteString(strings.ToUpper(who[:1]) + who[1:] + " " + what + " for " + price + " coins " + where + ", on day " + day + ". ")
	}
	letters := []byte(strings.TrimSpace(b.String()))
	for i := len(letters) - 1; garbled && i > 0; i-- {
		j := s.Below(uint64(i + 1))
		letters[i], letters[j] = letters[j], letters[i]
	}
	return string(letters)
}
