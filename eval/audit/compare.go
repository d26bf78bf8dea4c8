package audit

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"finest/internal/contract"
)

// difference is one column in which a claimed row is not the computed one.
type difference struct{ column, claimed, computed string }

// maxShown bounds how much of a stranger's text a reason repeats.
const maxShown = 60

// ledgerDifferences compares all columns, floats by their bits. Of documents
// that reached MinHash, outcome and keeper depend on others: the clusters check
// decides them.
func ledgerDifferences(claimed, computed contract.LedgerRow) []difference {
	if claimed.ReachedMinHash() && computed.ReachedMinHash() {
		claimed.Outcome, claimed.Reason, claimed.Value = computed.Outcome, computed.Reason, computed.Value
		claimed.KeptFile, claimed.KeptOffset = computed.KeptFile, computed.KeptOffset
	}
	var d differences
	d.number("file", int64(claimed.File), int64(computed.File))
	d.number("offset", claimed.Offset, computed.Offset)
	d.number("length", claimed.Length, computed.Length)
	d.text("id", claimed.ID, computed.ID)
	d.text("outcome", claimed.Outcome, computed.Outcome)
	d.text("reason", claimed.Reason, computed.Reason)
	d.float("value", claimed.Value, computed.Value)
	d.text("language", claimed.Language, computed.Language)
	d.float("language_score", claimed.LanguageScore, computed.LanguageScore)
	d.number("characters", claimed.Characters, computed.Characters)
	if !slices.Equal(claimed.BandKeys, computed.BandKeys) {
		d = append(d, difference{"band_keys", keysText(claimed.BandKeys), keysText(computed.BandKeys)})
	}
	d.number("kept_file", int64(claimed.KeptFile), int64(computed.KeptFile))
	d.number("kept_offset", claimed.KeptOffset, computed.KeptOffset)
	return d
}

// rowDifferences compares all columns of two shard rows.
func rowDifferences(claimed, computed contract.Row) []difference {
	var d differences
	if claimed.Text != computed.Text {
		at := commonPrefix(claimed.Text, computed.Text)
		d = append(d, difference{fmt.Sprintf("text from byte %d on", at), excerpt(claimed.Text, at), excerpt(computed.Text, at)})
	}
	d.text("id", claimed.ID, computed.ID)
	d.text("dump", claimed.Dump, computed.Dump)
	d.text("url", claimed.URL, computed.URL)
	d.text("date", claimed.Date, computed.Date)
	d.text("file_path", claimed.FilePath, computed.FilePath)
	d.text("language", claimed.Language, computed.Language)
	d.float("language_score", claimed.LanguageScore, computed.LanguageScore)
	d.number("token_count", claimed.TokenCount, computed.TokenCount)
	d.number("warc_offset", claimed.WARCOffset, computed.WARCOffset)
	d.number("warc_length", int64(claimed.WARCLength), int64(computed.WARCLength))
	return d
}

type differences []difference

func (d *differences) text(column, claimed, computed string) {
	if claimed != computed {
		*d = append(*d, difference{column, excerpt(claimed, 0), excerpt(computed, 0)})
	}
}

func (d *differences) number(column string, claimed, computed int64) {
	if claimed != computed {
		*d = append(*d, difference{column, fmt.Sprint(claimed), fmt.Sprint(computed)})
	}
}

func (d *differences) float(column string, claimed, computed float64) {
	if a, b := contract.FloatBits(claimed), contract.FloatBits(computed); a != b {
		*d = append(*d, difference{column, fmt.Sprint(claimed), fmt.Sprint(computed)})
	}
}

// sentence joins differences: "outcome is "kept" where the recipe gives "c4"".
func sentence(ds []difference) string {
	parts := make([]string, 0, len(ds))
	for i, d := range ds {
		if i == 3 && len(ds) > 4 {
			parts = append(parts, fmt.Sprintf("and %d more columns differ", len(ds)-i))
			break
		}
		parts = append(parts, fmt.Sprintf("%s is %s where the recipe gives %s", d.column, d.claimed, d.computed))
	}
	return strings.Join(parts, ", ")
}

func keysText(keys []uint64) string {
	if len(keys) == 0 {
		return "none"
	}
	return fmt.Sprintf("%d keys from %016x", len(keys), keys[0])
}

func commonPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	for n > 0 && n < len(a) && !utf8.RuneStart(a[n]) {
		n--
	}
	return n
}

// excerpt quotes the start of s from byte at on.
func excerpt(s string, at int) string {
	s = s[min(at, len(s)):]
	if len(s) <= maxShown {
		return fmt.Sprintf("%q", s)
	}
	cut := maxShown
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return fmt.Sprintf("%q…", s[:cut])
}

// describeRow names a ledger row for people.
func describeRow(index uint64, r contract.LedgerRow, path string) string {
	text := fmt.Sprintf("ledger row %d (%s, bytes %d–%d", index, path, r.Offset, r.End())
	if r.ID != "" {
		text += ", " + fmt.Sprintf("%.80q", r.ID)
	}
	return text + ")"
}
