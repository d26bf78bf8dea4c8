package pii_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"finest/pipeline"
	"finest/pipeline/pii"
)

func newPII(t testing.TB, params map[string]string) pipeline.Stage {
	t.Helper()
	spec := pii.Spec()
	for name, v := range params {
		spec.Params[name] = v
	}
	stage, err := pii.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	return stage
}

func process(t testing.TB, stage pipeline.Stage, id, text string) string {
	t.Helper()
	d := &pipeline.Document{ID: id, Text: text}
	if drop := stage.Process(d); drop != nil {
		t.Fatalf("%q is dropped: %+v", text, *drop)
	}
	return d.Text
}

// short replaces with EMAIL and IP.
func short(t testing.TB) pipeline.Stage {
	return newPII(t, map[string]string{"email_replacement": "EMAIL", "ip_replacement": "IP"})
}

// TestReplaced holds against the cases of the reference's tests.
func TestReplaced(t *testing.T) {
	stage := short(t)
	for text, want := range map[string]string{
		".3.3.3.0":                      ".IP",
		"8.8.8.8":                       "IP",
		"1.2.3.4.5":                     "IP.5",
		"v224.0.0.1 192.88.99.1":        "vIP IP",
		"1234.5.6.7":                    "1IP",
		"256.5.6.7890":                  "2IP90",
		"a@b.co":                        "EMAIL",
		"NAME@MYSITE.COM":               "EMAIL",
		"email@123.123.123.123":         "EMAIL",
		"email@[123.123.123.123]":       "EMAIL",
		"email@[1.2.3.tag-4:]":          "EMAIL",
		"first.last+tag@sub.example.co": "EMAIL",
		"_______@example.com":           "EMAIL",
		"email@example.name.":           "EMAIL.",
		"email@example@example.com":     "email@EMAIL",
		".email@example.com":            ".EMAIL",
		"email@111.222.333.44444":       "EMAIL",
		"email..email@example.com":      "email..EMAIL",
		"email@example.co-.uk":          "EMAIL-.uk",
		"é!a@b.co, éa-b@c.de, あ@x.org":  "éEMAIL, éaEMAIL, あ@x.org",
		"a@b.c@d.e":                     "EMAIL@d.e",
	} {
		if got := process(t, stage, "", text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

// TestLowerCasePattern holds what FineWeb's own pattern did to upper case.
func TestLowerCasePattern(t *testing.T) {
	stage := newPII(t, map[string]string{"email_case": "lower", "email_replacement": "EMAIL"})
	for text, want := range map[string]string{
		"a@b.co":               "EMAIL",
		"NAME@MYSITE.COM":      "NAME@MYSITE.COM",
		"Ann@example.com":      "Ann@example.com",
		"First.last@b.co":      "First.EMAIL",
		"a@b.Com":              "a@b.Com",
		"a@b.co.Uk":            "EMAIL.Uk",
		"a@b.coM":              "EMAILM",
		"a@Mail.example.com":   "a@Mail.example.com",
		"a@[1.2.3.A:]":         "a@[1.2.3.A:]",
		"a@[1.2.3.a:] é!a@b.c": "EMAIL éEMAIL",
	} {
		if got := process(t, stage, "", text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

// TestNothingToReplaceWith: a list left empty must not switch the stage off.
func TestNothingToReplaceWith(t *testing.T) {
	for list, use := range map[string]string{"email_replacement": "emails", "ip_replacement": "ips"} {
		spec := pii.Spec()
		spec.Params[list] = ""
		if _, err := pii.New(spec); err == nil || !strings.Contains(err.Error(), list) {
			t.Errorf("empty %s: error %v", list, err)
		}
		spec.Params[use] = "false"
		if _, err := pii.New(spec); err != nil {
			t.Errorf("empty %s without %s: %v", list, use, err)
		}
	}
}

func TestUntouched(t *testing.T) {
	stage := short(t)
	for _, text := range []string{
		"", "999.999.999.999", "108.0.0.01", "0.1.2.3", "00.0000.00.00", "912.456.123.123",
		"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.10.1", "127.0.0.1",
		"203.0.113.5", "100.64.0.1", "08.8.8.8", "192.0.0.170", "255.255.255.255", "1.2.3", "....",
		`"email"@example.com`, "email@example", "email.@example.com", "email@-example.com",
		"email@example..com", "あいうえお@example.com", "@example.com", "a@[1.2.3.x]",
	} {
		if got := process(t, stage, "", text); got != text {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}

func TestReplacementsTakeTurns(t *testing.T) {
	stage := newPII(t, map[string]string{"first_replacement": "list"})
	for text, want := range map[string]string{
		"a@b.co and c.d@e.org and f@g.net": "email@example.com and firstname.lastname@example.org and email@example.com",
		"8.8.8.8 192.168.0.1 1.1.1.1 300.1.1.1 1.2.3.4.5": "22.214.171.124 192.168.0.1 126.96.36.199 300.1.1.1 " +
			"188.8.131.52.5",
	} {
		if got := process(t, stage, "", text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

// TestFirstReplacementIsDrawnByRecord checks that the draw depends on the id
// alone and reaches every replacement.
func TestFirstReplacementIsDrawnByRecord(t *testing.T) {
	stage := newPII(t, nil)
	seen := make(map[string]bool)
	for i := range 64 {
		id := strings.Repeat("x", i)
		got := process(t, stage, id, "8.8.8.8")
		if again := process(t, stage, id, "8.8.8.8"); again != got {
			t.Fatalf("the same record gets %q and %q", got, again)
		}
		seen[got] = true
	}
	if len(seen) != 6 {
		t.Errorf("64 records use %d of 6 replacements", len(seen))
	}
}

func TestPrivateAddressesToo(t *testing.T) {
	stage := newPII(t, map[string]string{"public_ips_only": "false", "ip_replacement": "IP", "emails": "false"})
	if got := process(t, stage, "", "10.0.0.1 a@b.co 10.0.0.01"); got != "IP a@b.co 10.0.0.01" {
		t.Errorf("got %q", got)
	}
}

const octet = `(?:25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?)`

// The patterns as they stand; Go's regexp chooses between alternatives as Perl
// does. The word border is checked apart.
var (
	emailPattern = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@" +
		`(?:(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?` +
		`|\[(?:` + octet + `\.){3}(?:` + octet + `|[A-Za-z0-9-]*[A-Za-z0-9]:)\])`)
	ipPattern = regexp.MustCompile(`(?:` + octet + `\.){3}` + octet)
)

// byPattern replaces every match, IPs without regard to networks.
func byPattern(text string) string {
	word := func(r rune, size int) bool {
		return size > 0 && (r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r))
	}
	var out strings.Builder
	for at := 0; at < len(text); {
		border := word(utf8.DecodeLastRuneInString(text[:at])) != word(utf8.DecodeRuneInString(text[at:]))
		if match := emailPattern.FindString(text[at:]); border && match != "" {
			out.WriteString("EMAIL")
			at += len(match)
			continue
		}
		out.WriteByte(text[at])
		at++
	}
	return ipPattern.ReplaceAllStringFunc(out.String(), func(match string) string {
		for _, o := range strings.Split(match, ".") {
			if len(o) > 1 && o[0] == '0' {
				return match
			}
		}
		return "IP"
	})
}

func agree(t testing.TB, stage pipeline.Stage, text string) {
	t.Helper()
	if got, want := process(t, stage, "", text), byPattern(text); got != want {
		t.Errorf("%q becomes %q, by the patterns %q", text, got, want)
	}
}

func likePatterns(t testing.TB) pipeline.Stage {
	return newPII(t, map[string]string{"email_replacement": "EMAIL", "ip_replacement": "IP", "public_ips_only": "false"})
}

func TestScanAgreesWithPatterns(t *testing.T) {
	stage := likePatterns(t)
	pieces := []string{"a", "B.c", "@", "@", ".", "..", "-", "_", "!", "é", "あ", "8.8.8.8", "255", "256", "1.2.3", "0", "01.", "@[", "]", ":]", "[1.2.3.4]", " ", "x.org", "\n"}
	rapid.Check(t, func(rt *rapid.T) {
		agree(t, stage, strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 16).Draw(rt, "text"), ""))
	})
}

func FuzzPII(f *testing.F) {
	stage := likePatterns(f)
	f.Add("a.b@c.de, 1.2.3.4 and é!x@y.z1 <a@[1.2.3.t:]>")
	f.Add("x@y..z 1.2.3.256 \xff@a.bc")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) <= 2000 {
			agree(t, stage, text)
		}
	})
}

// TestLongRunsTakeLinearTime would run for hours if the scan went back.
func TestLongRunsTakeLinearTime(t *testing.T) {
	stage := newPII(t, nil)
	for _, piece := range []string{"@", "a", ".", "a.", "@[1.2.3.", "a@b-", "1.", "1.2.3.", "a@a.", "@[1.2.3.a"} {
		process(t, stage, "", strings.Repeat(piece, 1<<17))
	}
}
