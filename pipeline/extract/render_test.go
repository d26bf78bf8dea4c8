package extract_test

import (
	"testing"

	"finest/pipeline/extract"
)

func TestRender(t *testing.T) {
	for _, tt := range []struct{ name, page, want string }{
		{"paragraphs", "<p>one</p><p>two</p>three", "one\ntwo\nthree"},
		{"white space", " <p> a \n  b\u00a0\u2003c </p>\n\n", "a b c"},
		{"line break", "<p>one<br>two<hr>three</p>", "one\ntwo\nthree"},
		{"heading", "<h2>Title</h2><div>text</div>", "Title\ntext"},
		{"inline in a paragraph", "<p>a<span>b</span>c <code>d</code>, e</p>", "abc d, e"},
		{"inline elsewhere", "<div>a<q>b</q>c</div>", "a b c"},
		{"list", "<ul><li>one</li><li><p>two</p></li><li> </li></ul>after", "- one\n- two\nafter"},
		{"nested list", "<ul><li>one<ul><li>two</li></ul>three</li></ul>", "- one\n- two\nthree"},
		{"definitions", "<dl><dt>term<dd>meaning</dl>", "- term\n- meaning"},
		{"table", "<table><tr><th>a<th>b</tr><tr><td>c<td></tr></table>", "|a||b|\n|c|"},
		{"line break in a cell", "<table><tr><td>a<br>b<td><b>c</b></table>", "|a b||c|"},
		{"layout table", "<table><tr><td><p>one</p><p>two</p></td><td>x</td></tr></table>", "one\ntwo\n|x|"},
		{"preformatted", "<pre>a\n  b\n\nc</pre>", "a\nb\nc"},
		{"block of code", "<div>see<code>a\nb</code>end</div>", "see\na\nb\nend"},
		{"encoded twice", "<p>&amp;lt;b&amp;gt; &amp;amp; &amp;nbsp;x</p>", "<b> & x"},
		{"unprintable", "<p>a\u00adb\u200bc\ufeffd\x01e\x1cf</p>", "abcde f"},
		{"composed", "<p>e\u0301</p>", "é"},
		{"comment", "<p>a<!-- b -->c</p>", "ac"},
		{"empty", "<p></p><ul><li></li></ul>", ""},
	} {
		if got := extract.Render(tt.page); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
