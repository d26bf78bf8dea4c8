package selftest

import (
	"embed"
	"strings"
)

//go:embed pages/*.html
var files embed.FS

// page is one page and how its server sends it.
type page struct {
	// file is in pages; without one the page is text.
	file, text string
	url        string
	// contentType is the HTTP header; empty if it has none.
	contentType string
	// charset is what the body is encoded in; UTF-8 if empty.
	charset string
	// coding is gzip, chunked or none.
	coding string
	// edits are pairs of old and new.
	edits []string
	// damageBehind and fillerBehind put what is no page behind this one.
	damageBehind, fillerBehind bool
}

const htmlType = "text/html"

// pages returns all pages in the order of the file.
func pages() []page {
	return []page{
		{file: "tides.html", url: "https://harbour.example/tide", contentType: htmlType + "; charset=utf-8"},
		{file: "bread.html", url: "https://kitchen.example/rye", contentType: htmlType},
		{file: "forum.html", url: "https://bicycles.example/forum?t=77", contentType: htmlType},
		{file: "shop.html", url: "https://shop.example/kettle", contentType: htmlType},
		{file: "listing.html", url: "https://journal.example/archive", contentType: htmlType},
		{file: "table.html", url: "https://weather.example/rain", contentType: htmlType, coding: "gzip"},
		{file: "code.html", url: "https://programs.example/lines", contentType: htmlType},
		{file: "javascript.html", url: "https://locks.example/", contentType: htmlType},
		{file: "lorem.html", url: "https://garden.example/new", contentType: htmlType, damageBehind: true},
		{file: "repetition.html", url: "https://flights.example/", contentType: htmlType},
		{file: "pii.html", url: "https://town.example/lamps", contentType: htmlType},
		{file: "quotes.html", url: "https://ferry.example/said", contentType: htmlType, coding: "chunked"},
		{file: "docs.html", url: "https://pumps.example/controller", contentType: "application/xhtml+xml"},
		{file: "short.html", url: "https://choir.example/", contentType: htmlType},
		{file: "symbols.html", url: "https://pictures.example/tags", contentType: htmlType, fillerBehind: true},
		{file: "bullets.html", url: "https://walks.example/packing", contentType: htmlType},
		{file: "shortlines.html", url: "https://verses.example/stairs", contentType: htmlType},
		{file: "longwords.html", url: "https://words.example/compound", contentType: htmlType},
		{file: "newspaper.html", url: "https://news.example/pool", contentType: htmlType},
		{file: "frame.html", url: "https://old.example/", contentType: htmlType},
		{file: "emptybody.html", url: "https://app.example/", contentType: htmlType},
		{file: "links.html", url: "https://walks.example/canal"},

		// Languages, in encodings that are declared, guessed or both.
		{file: "german.html", url: "https://station.example/uhr", contentType: htmlType},
		{file: "german.html", url: "https://station.example/uhr-alt", contentType: htmlType + "; charset=iso-8859-1", charset: "windows-1252",
			edits: []string{` charset="utf-8"`, ""}},
		{file: "french.html", url: "https://marche.example/", contentType: htmlType, charset: "windows-1252"},
		{file: "spanish.html", url: "https://faro.example/", contentType: htmlType + "; charset=iso-8859-15", charset: "iso-8859-15"},
		{file: "portuguese.html", url: "https://barcos.example/", contentType: htmlType, charset: "windows-1252"},
		{file: "japanese.html", url: "https://hashi.example/sjis", contentType: htmlType + "; charset=Shift_JIS", charset: "shift_jis"},
		{file: "japanese.html", url: "https://hashi.example/euc", contentType: htmlType, charset: "euc-jp"},
		{file: "russian.html", url: "https://doroga.example/cp1251", contentType: htmlType + "; charset=windows-1251", charset: "windows-1251"},
		{file: "russian.html", url: "https://doroga.example/koi8", contentType: htmlType, charset: "koi8-r"},
		{file: "chinese.html", url: "https://chayuan.example/utf8", contentType: htmlType},
		{file: "chinese.html", url: "https://chayuan.example/gbk", contentType: htmlType, charset: "gbk", edits: []string{"utf-8", "gbk"}},
		{file: "arabic.html", url: "https://maktaba.example/", contentType: htmlType},
		{file: "arabic.html", url: "https://maktaba.example/cp1256", contentType: htmlType, charset: "windows-1256", edits: []string{` charset="utf-8"`, ""}},
		{file: "quotes.html", url: "https://ferry.example/cp1252", contentType: htmlType, charset: "windows-1252",
			edits: []string{` charset="utf-8"`, "", "river", "canal", "bridge", "tunnel"}},
		{file: "links.html", url: "https://walks.example/utf16", contentType: htmlType + "; charset=utf-8", charset: "utf-16"},
		{file: "links.html", url: "https://walks.example/lie", contentType: htmlType + "; charset=utf-8", charset: "utf-16be"},
		{file: "docs.html", url: "https://pumps.example/lie", contentType: htmlType + "; charset=utf-16",
			edits: []string{"pump", "fan", "float", "switch", "water", "dust"}},

		// Near-duplicates: the second of the harbour is near the first, the third
		// near the second; the council's is too far from its original.
		{file: "tides.html", url: "https://harbour.example/tide?print", contentType: htmlType,
			edits: []string{"to within the width of a hand", "to within the width of two hands", "All rights reserved", "Printed page"}},
		{file: "tides.html", url: "https://mirror.example/tide", contentType: htmlType,
			edits: []string{"to within the width of a hand", "to within the width of two hands", "For eighty years", "For ninety years",
				"a bucket", "a barrel", "How a harbour reads", "The way a harbour reads"}},
		{file: "newspaper.html", url: "https://evening.example/pool", contentType: htmlType,
			edits: []string{"town council", "city council", "swimming pool", "public bath", "Nineteen", "Twenty-one", "eleven", "nine",
				"The old baths by the river were closed when cracks were found in the roof", "The former baths have been closed for a long time",
				"Work is to begin in the spring of next year", "Building starts when the money is there", "bicycles", "cars",
				"the warm water of the dairy next to it", "waste heat from the laundry", "dairy", "laundry"}},

		// Beyond a budget.
		{text: "<!DOCTYPE html><body>" + strings.Repeat("<div>", 200) + "<p>Deep.", url: "https://deep.example/", contentType: htmlType},
		{text: "<!DOCTYPE html><body>" + strings.Repeat("<b>x</b>", 60_000), url: "https://wide.example/", contentType: htmlType},

		// No HTML, no body, no charset.
		{text: "%PDF-1.4", url: "https://papers.example/1.pdf", contentType: "application/pdf"},
		{text: "", url: "https://empty.example/", contentType: htmlType},
		{text: "<html><body><p>\x81\x8d\xff\xfe\x00\x9d broken \xc3(", url: "https://broken.example/", contentType: htmlType},
	}
}
