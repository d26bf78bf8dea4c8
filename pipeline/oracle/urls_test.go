package oracle_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"finest/pipeline"
	"finest/pipeline/assets"
	"finest/pipeline/oracle"
	"finest/pipeline/words"
)

// entries are those of the URL filter's lists, by how testdata/urls.jsonl calls
// the lists, in the order of the files.
type entries map[string][]string

func readLists(t *testing.T, profile, dir string) entries {
	t.Helper()
	files := map[string]string{
		"domain": assets.Domains, "url": assets.URLs,
		"hard": assets.BannedWords, "soft": assets.SoftBannedWords, "sub": assets.BannedSubwords,
	}
	if profile == pipeline.ProfileHead {
		files["domain"], files["url"] = assets.Domains030, assets.URLs030
	}
	notAlphanumeric := regexp.MustCompile("[^a-zA-Z0-9]+")
	lists := make(entries)
	for list, file := range files {
		raw, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(raw) {
			if line[0] == '#' {
				continue
			}
			entry := words.TrimSpace(string(line))
			if list != "domain" && list != "url" {
				entry = strings.ToLower(notAlphanumeric.ReplaceAllString(entry, ""))
			}
			if entry != "" {
				lists[list] = append(lists[list], entry)
			}
		}
	}
	return lists
}

var placeholder = regexp.MustCompile(`\{(\w+):(\d+)\}`)

// fill puts entries in the place of {list:number}.
func (e entries) fill(t *testing.T, url string) string {
	return placeholder.ReplaceAllStringFunc(url, func(s string) string {
		parts := placeholder.FindStringSubmatch(s)
		n, err := strconv.Atoi(parts[2])
		if err != nil || len(e[parts[1]]) == 0 {
			t.Fatalf("%s: no such entry", url)
		}
		return e[parts[1]][n%len(e[parts[1]])]
	})
}

// TestURLs compares the URL filter on addresses made for it. Offensive ones are
// made of the lists' entries when it runs.
func TestURLs(t *testing.T) {
	dir := assetsDir(t)
	if dir == "" {
		t.SkipNow()
	}
	for _, profile := range oracle.Profiles {
		t.Run(profile, func(t *testing.T) {
			stages, err := oracle.New(profile, dir)
			if err != nil {
				t.Fatal(err)
			}
			lists := readLists(t, profile, dir)
			var urls []string
			eachLine(t, "testdata/urls.jsonl", func(line []byte) error {
				var row struct{ URL string }
				err := json.Unmarshal(line, &row)
				urls = append(urls, row.URL)
				return err
			})
			n, agreed := 0, 0
			reasons := make(map[string]bool)
			eachLine(t, "testdata/golden/urls-"+profile+".jsonl", func(line []byte) error {
				var want struct{ ID, Reason string }
				if err := json.Unmarshal(line, &want); err != nil {
					return err
				}
				got := ""
				if drop := stages.URL.Process(&pipeline.Document{URL: lists.fill(t, urls[n])}); drop != nil {
					got = drop.Reason
				}
				if got == want.Reason {
					agreed++
				} else {
					t.Errorf("%s (%s): got %q, want %q", want.ID, urls[n], got, want.Reason)
				}
				reasons[want.Reason] = true
				n++
				return nil
			})
			t.Logf("%-9s %-8s url         %5d of %5d agree", "urls", profile, agreed, n)
			if n != len(urls) || len(reasons) != 7 {
				t.Errorf("%d decisions on %d addresses, with %d reasons", n, len(urls), len(reasons))
			}
		})
	}
}
