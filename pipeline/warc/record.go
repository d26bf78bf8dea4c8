package warc

import (
	"strings"
)

// Field is one header field. Name is as written; both are valid UTF-8.
type Field struct{ Name, Value string }

// Record is one WARC record, one gzip member that holds several, or one
// damaged span.
type Record struct {
	// Offset and Length are bytes of the file as stored: the gzip member, or in
	// an uncompressed file the record with the line ends that follow it. They
	// are −1 and 0 for records that share a member (Options.Shared).
	Offset, Length int64
	// Shared says that the gzip member at Offset holds more than one record.
	Shared bool
	// Damage is one of the Damage constants, empty for a good record. A damaged
	// record has no other content and spans up to where reading resumed.
	Damage string

	// Version is the number after "WARC/" as written.
	Version string
	// Type is the WARC-Type, as written but for surrounding white space; so are
	// the fields below. Each is the first of its name.
	Type, ID, TargetURI, Date string
	// PayloadType is WARC-Identified-Payload-Type.
	PayloadType string
	// Fields are all header fields, in order.
	Fields []Field

	// Block is the content block, at most Options.MaxBlock bytes of it.
	Block []byte
	// BlockLength is the length the header states; greater than len(Block) only
	// if Truncated.
	BlockLength int64
	// Truncated says that the block was longer than Options.MaxBlock. The rest
	// was read, checked and dropped.
	Truncated bool
}

// Causes of damage.
const (
	DamageGzipHeader   = "gzip_header"   // a gzip member's header makes no sense
	DamageGzipData     = "gzip_data"     // deflate data that cannot be inflated
	DamageGzipChecksum = "gzip_checksum" // CRC-32 or length differ from the data
	DamageTruncated    = "truncated"     // the span ends before the record does
	DamageNotWARC      = "not_warc"      // bytes that begin no record
	DamageBadHeader    = "bad_header"    // a header without end, or too long
	DamageBadLength    = "bad_length"    // Content-Length missing, senseless or not true
)

// Field returns the value of the first field of that name, in any case.
func (r *Record) Field(name string) string {
	for _, f := range r.Fields {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// End returns the offset after the record.
func (r *Record) End() int64 { return r.Offset + r.Length }

// Info returns the fields of a warcinfo record's block by lower-cased name,
// the first of each name; nil for records of other types.
func (r *Record) Info() map[string]string {
	if !strings.EqualFold(r.Type, "warcinfo") {
		return nil
	}
	info := make(map[string]string)
	for _, f := range parseFields(r.Block) {
		name := strings.ToLower(f.Name)
		if _, seen := info[name]; !seen {
			info[name] = f.Value
		}
	}
	return info
}
