package warc

// Page is one HTML page as a crawler saw it.
type Page struct {
	// ID, URL and Date are the record's, verbatim.
	ID, URL, Date string
	// HTML is the decoded body, valid UTF-8.
	HTML string
	// Problem is one of the Problem constants when the page cannot be used;
	// HTML is empty then.
	Problem string
	// Value is what was measured, in bytes: of the body as far as it was
	// decoded, of the block for a block that was cut off.
	Value float64
}

// Reasons why a page cannot be used.
const (
	ProblemTooLarge         = "too_large"
	ProblemNoBody           = "no_body"
	ProblemTransferEncoding = "bad_transfer_encoding"
	ProblemContentEncoding  = "bad_content_encoding"
	ProblemCharset          = "bad_charset"
)

// Defaults of PageOptions.
const (
	DefaultMaxPageBytes = 32 << 20
	DefaultMaxRatio     = 200
)

// PageOptions cap what decoding a page may cost.
type PageOptions struct {
	// MaxBytes caps the body after every decoding step; 0 stands for
	// DefaultMaxPageBytes.
	MaxBytes int64
	// MaxRatio caps the decoded bytes per stored byte once more than 1 MiB is
	// decoded; 0 stands for DefaultMaxRatio.
	MaxRatio int64
}

// Page returns the page in a response record. isHTML is false for other
// records and for responses that are not HTML: by the record's payload type if
// it has one, else by the HTTP Content-Type, else by the first bytes. The HTTP
// status is not looked at. The page depends on the record and o alone.
func (r *Record) Page(o PageOptions) (p Page, isHTML bool) { return Page{}, false }
