package extract

import (
	"math"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/text/unicode/norm"

	"finest/pipeline"
)

// VisibleName is the name of the stage that takes all text of a page.
const VisibleName = "visible_text"

// VisibleSpec returns the stage that takes of a page all text that its reader
// sees: menus, notices and footers as well as the article. It is what quality is
// measured from: the text that Common Crawl's WET files hold, which FineWeb's
// authors trained worse models on than on what trafilatura finds (Penedo et al.
// 2024, section 3.2). The budgets are those of Spec but for the work, which grows
// only with the bytes here.
func VisibleSpec() pipeline.StageSpec {
	spec := pipeline.StageSpec{Name: VisibleName, Params: make(map[string]string)}
	of := Spec()
	for _, name := range []string{"max_bytes", "max_attributes", "max_nodes", "max_depth"} {
		spec.Params[name] = of.Params[name]
	}
	return spec
}

// NewVisible returns the stage. Like that of New it sets Document.Text from
// Document.HTML and releases the latter; a recipe has one of the two.
func NewVisible(spec pipeline.StageSpec) (pipeline.Stage, error) {
	p := pipeline.NewParams(spec)
	s := &visibleStage{budget: shapeOf(p)}
	s.budget.work = math.MaxInt
	if err := p.Err(); err != nil {
		return nil, err
	}
	return s, nil
}

type visibleStage struct{ budget budget }

func (*visibleStage) Name() string { return VisibleName }

func (s *visibleStage) Process(d *pipeline.Document) *pipeline.Drop {
	page := d.HTML
	d.HTML, d.Text = "", ""
	tree, drop := s.budget.parse(page, false)
	if drop != nil {
		return drop
	}
	var r renderer
	r.visible(tree)
	r.endLine()
	if d.Text = norm.NFC.String(r.text.String()); d.Text == "" {
		return &pipeline.Drop{Reason: ReasonEmpty}
	}
	return nil
}

// visible writes the text below n that a reader sees, one line for each block.
// The depth of the tree is bounded by the budget.
func (r *renderer) visible(n *html.Node) {
	for c := range n.ChildNodes() {
		switch {
		case c.Type == html.TextNode:
			r.write(c.Data)
		case c.Type != html.ElementNode || isUnseen(c):
		case c.Data == "pre" || c.Data == "textarea":
			outer := r.inCode
			r.inCode = true
			r.visibleBlock(c)
			r.inCode = outer
		case standsAlone(c.Data):
			r.visibleBlock(c)
		case c.Data == "td" || c.Data == "th":
			r.line.WriteByte(' ')
			r.visible(c)
			r.line.WriteByte(' ')
		default:
			r.visible(c)
		}
	}
}

func (r *renderer) visibleBlock(n *html.Node) {
	r.endLine()
	r.visible(n)
	r.endLine()
}

// isUnseen reports whether nothing of an element is on the screen: what it holds
// is no text, stands in for something that browsers show, or is hidden where it
// stands. Style sheets are not read.
func isUnseen(n *html.Node) bool {
	switch n.Data {
	case "head", "script", "style", "template", "noscript", "noembed", "noframes", "iframe", "object", "audio", "video", "canvas", "datalist":
		return true
	}
	for _, a := range n.Attr {
		switch a.Key {
		case "hidden":
			return true
		case "style":
			style := strings.ToLower(strings.Join(strings.Fields(a.Val), ""))
			if strings.Contains(style, "display:none") || strings.Contains(style, "visibility:hidden") {
				return true
			}
		}
	}
	return false
}

// standsAlone reports whether browsers put an element on lines of its own.
func standsAlone(tag string) bool {
	switch tag {
	case "aside", "dd", "dialog", "dir", "dt", "fieldset", "form", "legend", "li", "listing", "menu", "optgroup", "option", "plaintext",
		"search", "xmp":
		return true
	}
	return isBlock(tag)
}
