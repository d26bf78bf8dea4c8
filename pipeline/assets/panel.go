package assets

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
)

// Names of the files that models are judged by; see package eval/panel.
const (
	PanelPages        = "wcxb_test.json"
	PanelPassages     = "boolq.jsonl"
	PanelArcEasy      = "arc_easy.jsonl"
	PanelArcChallenge = "arc_challenge.jsonl"
	PanelOpenBook     = "openbook_qa.jsonl"
	PanelLambada      = "lambada_openai.jsonl"
)

// PanelBooks returns the names of the books that models are judged by.
func PanelBooks() []string {
	names := make([]string, len(books))
	for i, b := range books {
		names[i] = b.asset.Name
	}
	return names
}

const (
	raw     = "https://raw.githubusercontent.com/"
	foundry = raw + "mosaicml/llm-foundry/8c8dd48f72168c5d51e2f7b151595892a8fba43d/scripts/eval/local_data/"
	wcxb    = raw + "Murrough-Foley/web-content-extraction-benchmark/c039d5ee9f5a3a984a0e167e63aacd04e76e78a9/test/"
	arc     = "AI2 Reasoning Challenge, test (Clark et al. 2018)"
)

// books are texts of Project Gutenberg in the repositories of GITenberg, of
// which none is quoted everywhere: two novels, travels, folklore, music.
var books = [...]struct {
	asset      File
	file       string // its name at the origin
	origin     string
	repository string // with commit
}{
	{
		File{"book_14263.txt", 374248, "dc5bed18d3a90cda97ffeae03c59f97c182de19d3538628804a597db7b7e103b"}, "14263.txt",
		"Katrine, by Elinor Macartney Lane (1909), Project Gutenberg 14263",
		"Katrine--A-Novel_14263/cda5284ad5c11e1928cd4c133c0726c1592bea08",
	}, {
		File{"book_16215.txt", 934286, "c1b00a72015340f131da3b139b4f28dc686d0c944536175c6442159bb2be6869"}, "16215.txt",
		"Jack Sheppard, by William Harrison Ainsworth (1839), Project Gutenberg 16215",
		"Jack-Sheppard--A-Romance_16215/53c2275d68a942a3c29d037179f8b89c9b094c3f",
	}, {
		File{"book_16595.txt", 249017, "a7e0c776e980107c7c27f8a52ec3b63ded46f335e71a86cef3bb7476335dbe3c"}, "16595.txt",
		"Charles Dickens and Music, by James T. Lightwood (1912), Project Gutenberg 16595",
		"Charles-Dickens-and-Music_16595/9be22dbb5e0b2225239b22d82f5ea18527464d4f",
	}, {
		File{"book_18304.txt", 1008860, "8e69f062d202a441b091545cb3b3edce0a35331d3cbec80e9d19eba4a0c3ae08"}, "18304.txt",
		"American Adventures, by Julian Street (1917), Project Gutenberg 18304",
		"American-AdventuresA-Second-Trip-Abroad-at-home-_18304/748434ca594b6997cc8e8ff6af53cb9d343071bd",
	}, {
		File{"book_52834.txt", 1054674, "a4aba4bbde7f373f79105d1754503d1a0c5ac6b89f737b0b228454cab243e8b3"}, "52834-0.txt",
		"Guernsey Folk Lore, by Edgar MacCulloch (1903), Project Gutenberg 52834",
		"Guernsey-Folk-Lore-a-collection-of-popular-superstitions-legendary-tales-peculiar-customs-pro__52834/9cde4452b41d2b14c7cdb7356967c556db2cff80",
	},
}

// Panel returns the files that models are judged by. Sizes and hashes are those
// at the commits in their addresses.
func Panel() []Asset {
	all := []Asset{
		{
			File:    File{PanelPages, 5211308, "c53d1249f2d81aad4acb94bf9ccf95409494e6eef95d6a24c58e46699d85e39e"},
			Licence: "CC BY 4.0", Origin: "WCXB, Web Content eXtraction Benchmark, test split, (c) 2026 Murrough Foley",
			Source: Source{File: File{"ground-truth", 5211308, "c53d1249f2d81aad4acb94bf9ccf95409494e6eef95d6a24c58e46699d85e39e"}, Base: wcxb},
			Parts:  wcxbParts(),
		},
		alone(File{PanelPassages, 2210395, "454ff101e614370bb1807fe7ebbda6fdb57e794b9662cc1ccae211bf1ff626c8"}, "CC BY-SA 3.0",
			"BoolQ, validation (Clark et al. 2019), passages of Wikipedia", foundry+"reading_comprehension/"),
	}
	for _, b := range books {
		all = append(all, Asset{
			File: b.asset, Licence: "public domain in the USA", Origin: b.origin,
			Source: Source{File: File{b.file, b.asset.Bytes, b.asset.SHA256}, Base: raw + "GITenberg/" + b.repository + "/"},
		})
	}
	return append(all,
		alone(File{PanelArcEasy, 636665, "d2d12e59543acf9a5ef6079634a72b30215e36c2fd4236fff3bc855d287b87f5"}, "CC BY-SA 4.0", arc, foundry+"world_knowledge/"),
		alone(File{PanelArcChallenge, 365606, "1ae3aeedf1951d881cbd5c2e3a31e78a1993d251479afbe4cb413b6707244636"}, "CC BY-SA 4.0", arc, foundry+"world_knowledge/"),
		alone(File{PanelOpenBook, 88043, "adb2e5c7f8db810ddad4d6b2bf53dcc86dcc545499f7aafcaf42a8e179476c09"}, "Apache-2.0",
			"OpenBookQA, test (Mihaylov et al. 2018)", foundry+"commonsense_reasoning/"),
		alone(File{PanelLambada, 1895241, "411bfbe5b9054346b6a19299c0242670adbefb9162efd958593cbc0290b8c9dc"}, "CC BY 4.0",
			"LAMBADA, test (Paperno et al. 2016), as prepared by OpenAI; the passages belong to the authors of the novels", foundry+"language_understanding/"),
	)
}

//go:embed wcxb_test.txt
var wcxbList string

// wcxbParts are the pages of WCXB's test split: number and size of each file, in
// order of their names.
var wcxbParts = sync.OnceValue(func() []Part {
	var parts []Part
	for line := range strings.Lines(wcxbList) {
		var number string
		var p Part
		if _, err := fmt.Sscan(line, &number, &p.Bytes); err != nil {
			panic(fmt.Sprintf("assets: list of pages: %v", err))
		}
		p.Name = number + ".json"
		parts = append(parts, p)
	}
	return parts
})
