package commands

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"finest/roles/miner"
	"finest/roles/taskserver"
	"finest/roles/validator"
)

func readDoc(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestGuaranteesAreTested: every test that a guarantee names is there.
func TestGuaranteesAreTested(t *testing.T) {
	defined := make(map[string]bool)
	pattern := regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	for _, root := range []string{"../roles", "../eval"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			raw, err := os.ReadFile(path)
			for _, match := range pattern.FindAllStringSubmatch(string(raw), -1) {
				defined[match[1]] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	guarantees := readDoc(t, "guarantees.md")
	named := regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(guarantees, -1)
	if len(named) < 50 {
		t.Errorf("%d tests are named", len(named))
	}
	for _, match := range named {
		if !defined[match[1]] {
			t.Errorf("there is no %s", match[1])
		}
	}
	for _, match := range regexp.MustCompile("`(\\w+\\.txtar)`").FindAllStringSubmatch(guarantees, -1) {
		if _, err := os.Stat(filepath.Join("testdata", "script", match[1])); err != nil {
			t.Error(err)
		}
	}
}

// TestMetricsAreDocumented: what a scrape shows is explained.
func TestMetricsAreDocumented(t *testing.T) {
	roles, server := prometheus.NewRegistry(), prometheus.NewRegistry()
	miner.NewMetrics(roles)
	validator.NewMetrics(roles)
	if _, err := taskserver.ObserveBatches(server); err != nil {
		t.Fatal(err)
	}
	for doc, registry := range map[string]*prometheus.Registry{"operating.md": roles, "task-server.md": server} {
		text := readDoc(t, doc)
		families, err := registry.Gather()
		if err != nil || len(families) == 0 {
			t.Fatalf("%d metrics, error %v", len(families), err)
		}
		for _, f := range families {
			if !regexp.MustCompile("`" + f.GetName() + "[`{]").MatchString(text) {
				t.Errorf("%s says nothing of %s", doc, f.GetName())
			}
		}
	}
}
