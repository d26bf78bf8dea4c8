package contract_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"finest/internal/canon"
	"finest/internal/contract"
)

func TestLogLineIsCanonicalJSON(t *testing.T) {
	t.Parallel()
	line := contract.LogLine{Task: "CC-MAIN-2024-10-000017", Generation: 12, Manifest: sum}
	want, err := canon.Marshal(line)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(line.Encode()); got != string(want)+"\n" {
		t.Errorf("line is %q, want %q", got, want)
	}
}

func TestParseLog(t *testing.T) {
	t.Parallel()
	lines := []contract.LogLine{
		{Task: "a-000000", Generation: 1, Manifest: sum},
		{Task: "a-000001", Generation: 9007199254740991, Manifest: strings.Repeat("0", 64)},
		{Task: "a-000000", Generation: 1, Manifest: sum}, // void, but a line
	}
	var raw []byte
	for i, l := range lines {
		got, err := contract.ParseLog(raw)
		if err != nil || !slices.Equal(got, lines[:i]) {
			t.Fatalf("log of %d lines: %v, %v", i, got, err)
		}
		raw = append(raw, l.Encode()...)
	}
	good := string(lines[0].Encode())
	for name, text := range map[string]string{
		"no end":         good[:len(good)-1],
		"torn":           good + good[:20],
		"empty line":     good + "\n",
		"white space":    " " + good,
		"carriage":       good[:len(good)-1] + "\r\n",
		"other order":    `{"task":"a-000000","generation":1,"manifest":"` + sum + "\"}\n",
		"unknown field":  strings.Replace(good, "{", `{"a":1,`, 1),
		"duplicate key":  strings.Replace(good, "{", `{"generation":1,`, 1),
		"other case":     strings.Replace(good, "task", "Task", 1),
		"generation 0":   strings.Replace(good, ":1,", ":0,", 1),
		"fraction":       strings.Replace(good, ":1,", ":1.0,", 1),
		"path in task":   strings.Replace(good, "a-000000", "../a-000000", 1),
		"escape in task": strings.Replace(good, "a-000000", `\u0061-000000`, 1),
		"short hash":     strings.Replace(good, sum, sum[2:], 1),
		"not JSON":       "log\n",
		"two values":     strings.Replace(good, "\n", "{}\n", 1),
	} {
		if got, err := contract.ParseLog([]byte(text)); !errors.Is(err, contract.ErrInvalid) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if _, err := contract.ParseLog(make([]byte, contract.MaxLogBytes+1)); !errors.Is(err, contract.ErrInvalid) {
		t.Errorf("a huge log: %v", err)
	}
}

func FuzzParseLog(f *testing.F) {
	line := string(contract.LogLine{Task: "a-000000", Generation: 1, Manifest: sum}.Encode())
	for _, seed := range []string{"", line, line + line, line[:30], "{}\n", "\n", line + "\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		lines, err := contract.ParseLog(raw)
		if err != nil {
			return
		}
		var back []byte
		for _, l := range lines {
			back = append(back, l.Encode()...)
		}
		if string(back) != string(raw) {
			t.Fatalf("%q has another spelling: %q", raw, back)
		}
	})
}
