package filter

import (
	"strings"
	"testing"

	"golang.org/x/net/publicsuffix"
	"pgregory.net/rapid"
)

// TestPublicSuffixList fails when the module golang.org/x/net brings another
// list: decisions about URLs may change with it, so pipeline.Version must, and
// docs/assets.md names the list.
func TestPublicSuffixList(t *testing.T) {
	const pinned = "publicsuffix.org's public_suffix_list.dat, git revision d6c92f1bbb7433e5db7b8405c25d4035fb8ff376 (2026-02-06T07:36:33Z)"
	if got := publicsuffix.List.String(); got != pinned {
		t.Errorf("the list is %s, pinned is %s", got, pinned)
	}
}

// Results are those of tldextract 5.4.0 with the same list.
func TestDomains(t *testing.T) {
	for url, want := range map[string][2]string{
		"http://a.b.co.uk/":      {"b.co.uk", "a.b.co.uk"},
		"http://co.uk/":          {},
		"http://localhost/":      {},
		"http://a.blogspot.com/": {"blogspot.com", "a.blogspot.com"},
		"http://a.s3.dualstack.us-east-1.amazonaws.com/": {"amazonaws.com", "a.s3.dualstack.us-east-1.amazonaws.com"},
		"http://s3.us-east-1.amazonaws.com/":             {"amazonaws.com", "s3.us-east-1.amazonaws.com"},
		"http://ck/":                                     {},
		"http://foo.ck/":                                 {},
		"http://a.foo.ck/":                               {"a.foo.ck", "a.foo.ck"},
		"http://a.www.ck/":                               {"www.ck", "a.www.ck"},
		"http://a.b.kawasaki.jp/":                        {"a.b.kawasaki.jp", "a.b.kawasaki.jp"},
		"http://a.city.kawasaki.jp/":                     {"city.kawasaki.jp", "a.city.kawasaki.jp"},
		"http://a.Пример.РФ/":                            {"Пример.РФ", "a.Пример.РФ"},
		"http://a.XN--E1AFMKFD.XN--P1AI/":                {"XN--E1AFMKFD.XN--P1AI", "a.XN--E1AFMKFD.XN--P1AI"},
		"http://a.b.xn--com-/":                           {},
		"http://a.b.İt/":                                 {},
		"http://b.co.u\u212a/":                           {"b.co.u\u212a", "b.co.u\u212a"},
		"http://a。b．co｡uk．/":                             {"b.co.uk", "a.b.co.uk"},
		"http://.b.com/":                                 {"b.com", "b.com"},
		"http://..b.com/":                                {"b.com", "..b.com"},
		"http://a..b.com/":                               {"b.com", "a..b.com"},
		"http://a..com/":                                 {},
		"http://.com/":                                   {},
		"http://b.com..:80/":                             {"b.com", "b.com"},
		"http://b.com. /":                                {"b.com", "b.com"},
		"http://\x1c b.com\x1f\u2028/":                   {"b.com", "b.com"},
		"http://u:p@x@b.com:80:90?q":                     {"b.com", "b.com"},
		"http://b.com#x@y.org":                           {"b.com", "b.com"},
		"http://u/@b.com":                                {},
		"http://[::1]:80/":                               {},
		"http://[a].b.com/":                              {},
		"http://[b.com]/":                                {},
		"http://[b.com/":                                 {"[b.com", "[b.com"},
		"http://1.2.3.4/":                                {},
		"a+b-c.1://b.com/":                               {"b.com", "b.com"},
		"ä://b.com/":                                     {},
		"://b.com/":                                      {},
		"//b.com/":                                       {"b.com", "b.com"},
		"b.com//x":                                       {"b.com", "b.com"},
		"":                                               {},
		"http://" + strings.Repeat("a.", 1000) + "b.com":           {"b.com", strings.Repeat("a.", 1000) + "b.com"},
		"http://" + strings.Repeat("ü", 1000) + ".com":             {strings.Repeat("ü", 1000) + ".com", strings.Repeat("ü", 1000) + ".com"},
		"http://a.b." + strings.Repeat("ü", 1000):                  {},
		"http://a.b.com" + strings.Repeat(".", 1000) + "/b.org":    {"b.com", "a.b.com"},
		"http://" + strings.Repeat("x@", 1000) + "a.b.com?x@c.org": {"b.com", "a.b.com"},
	} {
		if registered, whole := domains(hostOf(url)); registered != want[0] || whole != want[1] {
			t.Errorf("%.80q: %.80q, %.80q, want %.80q", url, registered, whole, want)
		}
	}
}

// TestLineSet compares the set with a map.
func TestLineSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line := rapid.StringMatching(`[ab# \t]{0,4}`)
		lines := rapid.SliceOf(line).Draw(t, "lines")
		end := rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "end")
		set := newLineSet([]byte(strings.Join(lines, end)))
		want := make(map[string]bool)
		for _, l := range lines {
			if entry := strings.TrimSpace(l); entry != "" && l[0] != '#' {
				want[entry] = true
			}
		}
		for _, l := range append(lines, rapid.SliceOf(line).Draw(t, "others")...) {
			if set.has(l) != want[l] {
				t.Fatalf("%q: %v", l, set.has(l))
			}
		}
	})
}

// FuzzDomains holds what is found in a URL to what a registered domain is.
func FuzzDomains(f *testing.F) {
	f.Add("http://u@a.b.co.uk:80/x?y#z")
	f.Add("//[::1]/")
	f.Add("http://a。ü.xn--p1ai.。 ")
	f.Fuzz(func(t *testing.T, url string) {
		registered, whole := domains(hostOf(url))
		if registered == "" != (whole == "") || !strings.HasSuffix(whole, registered) {
			t.Fatalf("%q: %q of %q", url, registered, whole)
		}
		if again, _ := domains(registered); again != registered {
			t.Fatalf("%q: %q, and of that %q", url, registered, again)
		}
	})
}
