// Command texts writes what the pipeline extracts from the pages of WARC files,
// one JSON object a line: id, url, hash of the decoded page, text, and what
// becomes of it in each profile. oracle.py reads it.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"

	"finest/pipeline"
	"finest/pipeline/extract"
	"finest/pipeline/oracle"
)

type row struct {
	ID   string               `json:"id"`
	URL  string               `json:"url"`
	HTML string               `json:"html"`
	Text string               `json:"text"`
	End  map[string][2]string `json:"end"`
}

func main() {
	assets := flag.String("assets", os.Getenv("FINEST_ASSETS"), "`FOLDER` with the lists of the URL filter; without it that filter is left out")
	out := flag.String("out", "", "`FILE` to write")
	flag.Parse()
	if err := run(*assets, *out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "texts:", err)
		os.Exit(1)
	}
}

func run(assets, out string, files []string) error {
	pages, err := oracle.Extract(files...)
	if err != nil {
		return err
	}
	rows := make([]row, len(pages))
	for i, p := range pages {
		rows[i] = row{p.ID, p.URL, p.HTML, p.Text, make(map[string][2]string)}
	}
	for _, profile := range oracle.Profiles {
		stages, err := oracle.New(profile, assets)
		if err != nil {
			return err
		}
		for _, r := range rows {
			outcome, reason := stages.Run(&pipeline.Document{ID: r.ID, URL: r.URL, Text: r.Text})
			if r.Text == "" && outcome != "url" {
				outcome, reason = extract.Name, ""
			}
			r.End[profile] = [2]string{outcome, reason}
		}
	}
	return write(out, rows)
}

func write(name string, rows []row) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	for _, r := range rows {
		if err := encoder.Encode(r); err != nil {
			_ = f.Close()
			return err
		}
	}
	if err := w.Flush(); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}
