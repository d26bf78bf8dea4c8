package warc

import "strings"

// Page is one HTML page as a crawler saw it.
type Page struct {
	// ID, URL and Date are the record's, verbatim.
	ID, URL, Date string
	// HTML is the decoded body, valid UTF-8. A byte order mark stays in it.
	HTML string
	// Problem is one of the Problem constants when the page cannot be used;
	// HTML is empty then.
	Problem string
	// Value is what was measured, in bytes: of the decoded body, of the body as
	// stored where it cannot be decoded, of the block where it was cut off; of a
	// body that is too large one more than is allowed.
	Value float64
}

// Reasons why a page cannot be used.
const (
	ProblemTooLarge         = "too_large"             // block, or body after decoding
	ProblemNoBody           = "no_body"               // nothing behind the HTTP header
	ProblemTransferEncoding = "bad_transfer_encoding" // chunks that break off or an unknown coding
	ProblemContentEncoding  = "bad_content_encoding"  // corrupt data or an unknown coding
	ProblemCharset          = "bad_charset"           // not text in any encoding that was found
)

// Defaults of PageOptions.
const (
	DefaultMaxPageBytes = 32 << 20
	DefaultMaxRatio     = 200
)

// freeBytes may be decoded whatever the ratio.
const freeBytes = 1 << 20

// PageOptions cap what decoding a page may cost.
type PageOptions struct {
	// MaxBytes caps the body after every decoding step; 0 stands
	// for DefaultMaxPageBytes.
	MaxBytes int64
	// MaxRatio caps decoded bytes per stored byte once more than 1 MiB is
	// decoded; 0 stands for DefaultMaxRatio.
	MaxRatio int64
}

// limit returns how many bytes a body of that stored size may have at most.
func (o PageOptions) limit(stored int) int64 {
	if o.MaxBytes <= 0 {
		o.MaxBytes = DefaultMaxPageBytes
	}
	if o.MaxRatio <= 0 {
		o.MaxRatio = DefaultMaxRatio
	}
	if int64(stored) > o.MaxBytes/o.MaxRatio {
		return o.MaxBytes
	}
	return min(o.MaxBytes, max(freeBytes, o.MaxRatio*int64(stored)))
}

// Page returns the page in a response record. isHTML is false for other
// records and for responses that are not HTML: by the record's payload type if
// it has one, else by the HTTP Content-Type, else by the first bytes. The HTTP
// status is not looked at.
//
// Headers are believed only as far as the body bears them out: a body that is
// not chunked or not compressed, whatever its header says, is taken as it is,
// and one that breaks off in the middle is decoded up to there, as browsers do.
// The page depends on the record and o alone.
func (r *Record) Page(o PageOptions) (p Page, isHTML bool) {
	if !strings.EqualFold(r.Type, "response") || r.Damage != "" {
		return Page{}, false
	}
	msg := parseMessage(r.Block)
	contentType := msg.field("Content-Type")
	kind := mediaType(r.PayloadType)
	if kind == "" {
		kind = mediaType(contentType)
	}
	if kind != "" && !isHTMLType(kind) {
		return Page{}, false
	}
	limit := o.limit(len(msg.body))
	body, problem := decodeBody(msg, limit)
	if kind == "" && !looksLikeHTML(body) {
		return Page{}, false
	}
	p = Page{ID: r.ID, URL: r.TargetURI, Date: r.Date}
	switch {
	case r.Truncated:
		p.Problem, p.Value = ProblemTooLarge, float64(r.BlockLength)
	case problem == ProblemTooLarge:
		p.Problem, p.Value = problem, float64(limit+1)
	case problem != "":
		p.Problem, p.Value = problem, float64(len(msg.body))
	case len(body) == 0:
		p.Problem = ProblemNoBody
	default:
		p.HTML, p.Problem = decodeText(body, contentType)
		p.Value = float64(len(body))
	}
	return p, true
}
