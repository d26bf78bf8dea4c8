package books

import (
	"context"
	"errors"
	"fmt"
	"strconv"
)

// Fault is something that does not hold.
type Fault struct {
	// Where names an entry or a row.
	Where string `json:"where"`
	// What says in a sentence what is wrong with it.
	What string `json:"what"`
}

func (f Fault) String() string { return f.Where + ": " + f.What }

// maxFaults bounds the faults of a report.
const maxFaults = 100

// Report says what a check read and what does not hold.
type Report struct {
	// Entries is the number of audit entries, Head the hash of the newest: who
	// noted an earlier head finds it under its number in the same log.
	Entries int64  `json:"entries"`
	Head    string `json:"head"`

	Crawls      int64 `json:"crawls"`
	Tasks       int64 `json:"tasks"`
	Leases      int64 `json:"leases"`
	Submissions int64 `json:"submissions"`
	Verdicts    int64 `json:"verdicts"`
	Proofs      int64 `json:"proofs"`
	Holders     int64 `json:"holders"`
	// Counts are the tasks by state.
	Counts []Count `json:"counts"`

	// Faults are the first that were found, More how many others there are.
	Faults []Fault `json:"faults"`
	More   int     `json:"more"`
}

// OK reports that everything holds.
func (r Report) OK() bool { return len(r.Faults) == 0 }

// field is a value of a row beside what the log says of it.
type field struct {
	name       string
	have, want any
}

// differing reports the fields of a row that are not what the log says; by names
// the entry that says so, if one does.
func (r *Report) differing(where, by string, fields ...field) {
	for _, f := range fields {
		if f.have != f.want {
			r.fault(where, "its %s is %s, not %s%s", f.name, shown(f.have), shown(f.want), by)
		}
	}
}

// maxShown bounds the texts of a row that a fault shows, in bytes.
const maxShown = 200

// shown is a value as faults tell it: texts from outside may be long, and break
// lines.
func shown(value any) string {
	text, ok := value.(string)
	if !ok {
		return fmt.Sprint(value)
	}
	more := ""
	if len(text) > maxShown {
		text, more = text[:maxShown], "…"
	}
	if plain(text) {
		return text + more
	}
	return strconv.Quote(text) + more
}

// plain reports that a text is one word.
func plain(text string) bool {
	for _, c := range text {
		if c <= ' ' || c >= 0x7f || c == '"' {
			return false
		}
	}
	return text != ""
}

func (r *Report) fault(where, format string, args ...any) {
	if len(r.Faults) >= maxFaults {
		r.More++
		return
	}
	r.Faults = append(r.Faults, Fault{where, fmt.Sprintf(format, args...)})
}

// Check proves the tables by the audit log: that its chain is whole and every
// change legal, and that the tables hold what follows from it, nothing more and
// nothing less. An error says that it could not be read; what does not hold is
// in the report. It holds some hundred bytes a task in memory.
func Check(ctx context.Context, source Source) (Report, error) {
	c := &checker{ctx: ctx, Source: source, books: New(), ready: make(map[CountRow]int64), spoken: make(map[string]*spoken)}
	for _, f := range []func() error{c.audit, c.statements, c.crawls, c.counts, c.holders} {
		if err := f(); err != nil {
			return c.report, fmt.Errorf("check the books: %w", err)
		}
		if c.broken {
			break
		}
	}
	b := c.books
	c.report.Entries, c.report.Head = b.head.Seq, b.head.Hash
	c.report.Crawls = int64(len(b.crawls))
	c.report.Leases, c.report.Submissions, c.report.Verdicts, c.report.Proofs = b.leases, b.submissions, b.verdicts, b.proofs
	c.report.Holders = int64(len(b.hotkeys.records) + len(b.coldkeys.records))
	c.report.Counts = b.Counts()
	return c.report, nil
}

// checker is a check on its way.
type checker struct {
	ctx context.Context
	Source
	books  *Books
	report Report
	// ready counts the tasks by what the log says of them, with Tasks 0.
	ready map[CountRow]int64
	// spoken are statements that verdicts named last.
	spoken map[string]*spoken
	// broken says that the log cannot be followed, so that there is nothing to
	// compare the tables with.
	broken bool
}

// pageRows is how many rows are read at a time.
const pageRows = 1000

// audit replays the log, with the tables that are logs themselves beside it.
func (c *checker) audit() error {
	sides := c.sides()
	for since := int64(first); ; {
		entries, err := c.Entries(since, pageRows)
		if err != nil {
			return fmt.Errorf("audit after entry %d: %w", since, err)
		}
		if err := c.ctx.Err(); err != nil {
			return err
		}
		for _, e := range entries {
			if err := c.books.Apply(e); err != nil {
				c.report.fault(fmt.Sprintf("audit entry %d", e.Seq), "%v; what comes after it was not checked", err)
				c.broken = true
				return nil
			}
			if err := sides.compare(c, e); err != nil {
				return err
			}
			since = e.Seq
		}
		if len(entries) == 0 {
			break
		}
	}
	head, err := c.Head()
	if err != nil {
		return fmt.Errorf("audit head: %w", err)
	}
	if head.Hash != c.books.head.Hash {
		c.report.fault("audit", "its head is entry %d, but the last of its entries is %d", head.Seq, c.books.head.Seq)
	}
	return sides.rest(c)
}

func (c *checker) crawls() error {
	rows, err := c.Crawls()
	if err != nil {
		return fmt.Errorf("crawls: %w", err)
	}
	seen := make(map[string]bool)
	for _, row := range rows {
		where := fmt.Sprintf("crawl %s", row.Name)
		known := c.books.crawls[row.Name]
		if known == nil {
			c.report.fault(where, "no entry imported it")
			continue
		}
		seen[row.Name] = true
		d := known.Import
		if want := (CrawlRow{row.Name, d.CatalogueSHA256, d.FilesPerTask, d.Files, d.Tasks, known.retired}); row != want {
			c.report.fault(where, "it is %+v, not %+v", row, want)
		}
		if err := c.tasks(known); err != nil {
			return fmt.Errorf("crawl %s: %w", row.Name, err)
		}
	}
	for _, name := range sortedKeys(c.books.crawls) {
		if !seen[name] {
			c.report.fault("crawl "+name, "it is missing")
		}
	}
	return nil
}

func (c *checker) holders() error {
	for _, of := range []struct {
		kind    string
		records []record
	}{{HolderHotkey, c.books.hotkeys.records}, {HolderColdkey, c.books.coldkeys.records}} {
		for _, known := range of.records {
			if err := c.holder(of.kind, known); err != nil {
				return fmt.Errorf("%s %s: %w", of.kind, known.address, err)
			}
		}
	}
	banned, err := c.Banned()
	if err != nil {
		return fmt.Errorf("bans: %w", err)
	}
	for _, row := range banned {
		known := c.books.coldkeys.of(row.Address)
		if row.Kind == HolderHotkey {
			known = c.books.hotkeys.of(row.Address)
		}
		if known.ban == "" {
			c.report.fault(row.Kind+" "+row.Address, "it is banned, but no entry says so")
		}
	}
	return errors.Join(c.strangers(HolderHotkey, c.books.hotkeys), c.strangers(HolderColdkey, c.books.coldkeys))
}

// strangers reports records of holders that no entry names.
func (c *checker) strangers(kind string, known registry) error {
	for after := ""; ; {
		rows, err := c.Holders(kind, after, pageRows)
		if err != nil {
			return fmt.Errorf("records of %ss after %q: %w", kind, after, err)
		}
		if err := c.ctx.Err(); err != nil || len(rows) == 0 {
			return err
		}
		for _, row := range rows {
			after = row.Address
			if _, ok := known.numbers[row.Address]; !ok {
				c.report.fault(kind+" "+row.Address, "no entry names it, but there is a record of it: %+v", row)
			}
		}
	}
}

func (c *checker) holder(kind string, known record) error {
	row, err := c.Holder(kind, known.address)
	if err != nil {
		return err
	}
	where := kind + " " + known.address
	row.Kind, row.Address = kind, known.address
	if want := (HolderRow{kind, known.address, known.strikes, known.struck, known.unjudged, known.accepted, known.ban}); row != want {
		c.report.fault(where, "its record is %+v, not %+v", row, want)
	}
	hot, cold := known.address, ""
	if kind == HolderColdkey {
		hot, cold = cold, hot
	}
	nHot, nCold, err := c.Live(hot, cold)
	if err != nil {
		return err
	}
	if kind == HolderColdkey {
		nHot = nCold
	}
	if nHot != known.live {
		c.report.fault(where, "%d of its leases are live, not %d", nHot, known.live)
	}
	return nil
}
