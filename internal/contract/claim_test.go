package contract_test

import (
	"errors"
	"strings"
	"testing"

	"finest/internal/contract"
)

var (
	commit = strings.Repeat("0123456789", 4)
	sum    = strings.Repeat("ab", 32)
)

func TestClaimSpelling(t *testing.T) {
	t.Parallel()
	c := contract.Claim{Repo: "owner/data", Commit: commit, LogSHA256: sum}
	fields := c.Fields()
	if got, want := string(fields[0]), "owner/data@"+commit; got != want || c.String() != want {
		t.Errorf("first field %q and text %q, want %q", got, c, want)
	}
	if got, want := string(fields[1]), "finest/1 "+sum; got != want {
		t.Errorf("second field %q, want %q", got, want)
	}
	if got, err := contract.ParseClaim(fields); err != nil || got != c {
		t.Errorf("parsed %+v, %v", got, err)
	}
}

func TestLongestClaimFits(t *testing.T) {
	t.Parallel()
	repo := "o/" + strings.Repeat("n", contract.MaxRepo-2)
	if err := contract.ValidateRepo(repo); err != nil {
		t.Fatal(err)
	}
	c := contract.Claim{Repo: repo, Commit: commit, LogSHA256: sum}
	if n := len(c.Fields()[0]); n != contract.MaxField {
		t.Errorf("longest first field has %d bytes, want %d", n, contract.MaxField)
	}
	if _, err := contract.ParseClaim(c.Fields()); err != nil {
		t.Error(err)
	}
	if err := contract.ValidateRepo(repo + "n"); !errors.Is(err, contract.ErrInvalid) {
		t.Errorf("a longer name: %v", err)
	}
}

func TestParseClaimRefuses(t *testing.T) {
	t.Parallel()
	first, second := "owner/data@"+commit, "finest/1 "+sum
	for name, fields := range map[string][]string{
		"nothing":          {},
		"one field":        {first},
		"three fields":     {first, second, ""},
		"swapped":          {second, first},
		"repository name":  {"owner/data", second},
		"branch":           {"owner/data@main", second},
		"short commit":     {first[:len(first)-1], second},
		"upper-case":       {"owner/data@" + strings.Repeat("A", 40), second},
		"two commits":      {first + "@" + commit, second},
		"newline":          {first + "\n", second},
		"no owner":         {"data@" + commit, second},
		"three parts":      {"a/b/c@" + commit, second},
		"parent folder":    {"../data@" + commit, second},
		"host":             {"https://x/y@" + commit, second},
		"other version":    {first, "finest/2 " + sum},
		"no hash":          {first, "finest/1 "},
		"hash with prefix": {first, "finest/1 0x" + sum[2:]},
		"long field":       {strings.Repeat("a", 200) + "/" + first, second},
	} {
		var raw [][]byte
		for _, f := range fields {
			raw = append(raw, []byte(f))
		}
		if c, err := contract.ParseClaim(raw); !errors.Is(err, contract.ErrInvalid) {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
}

func FuzzParseClaim(f *testing.F) {
	f.Add([]byte("owner/data@"+commit), []byte("finest/1 "+sum))
	f.Add([]byte("a/b@"), []byte("finest/1 "))
	f.Add([]byte("@@/\xff"), []byte{})
	f.Fuzz(func(t *testing.T, first, second []byte) {
		c, err := contract.ParseClaim([][]byte{first, second})
		if err != nil {
			return
		}
		if back := c.Fields(); string(back[0]) != string(first) || string(back[1]) != string(second) {
			t.Fatalf("%q %q has another spelling: %q", first, second, back)
		}
	})
}
