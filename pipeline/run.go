package pipeline

import (
	"context"
	"errors"
	"io"
	"math"
	"sync"
	"time"

	"finest/internal/contract"
	"finest/pipeline/warc"
)

// Runner runs a recipe over WARC files. It holds no state between pages and is
// safe for concurrent use.
type Runner struct {
	Recipe Recipe
	// Stages are those after StageRead.
	Stages []Stage
	// Page and MaxBlock are the parameters of StageRead.
	Page     warc.PageOptions
	MaxBlock int64
	// Workers is the number of pages worked on at once; below 1 it is the
	// number of CPUs. No result depends on it.
	Workers int
	// Now is the clock for FileStats.StageTime; without it nothing is timed. No
	// result depends on it.
	Now func() time.Time

	// editor is the stage before Stages, where they are a later pass.
	editor Editor
}

// ReasonPanic is the reason of a drop by a stage that panicked, StageRead
// included, which none should.
const ReasonPanic = "panic"

// Process runs the stages over d. outcome is contract.OutcomeKept or the name
// of the stage that dropped the document, for this reason with this value.
// characters counts the code points of the text as it was then.
func (r *Runner) Process(d *Document) (outcome, reason string, value float64, characters int64) {
	f := r.process(d, nil)
	return f.outcome, f.reason, f.value, f.characters
}

// File says what is scanned and how its rows name it.
type File struct {
	// Number is the file's number in the receipt.
	Number int32
	// Path and Dump are the values of file_path and dump in rows.
	Path, Dump string
	// Start is the offset in the file of the first byte that is read.
	Start int64
	// Bytes is the size of the file as stored; −1 if unknown, when what is read
	// from offset 0 is taken for the whole file.
	Bytes int64
	// Leased asks for the rules of files behind a receipt: gzip members that
	// hold several records become no_ranges rows, and a file that is no WARC at
	// all is a damaged row. Otherwise such records are read and get offset −1,
	// and such a file is an error.
	Leased bool
}

// Result is one ledger row and the shard row that belongs to it.
type Result struct {
	Ledger contract.LedgerRow
	// Row is the document if it survived every stage; the steps across records
	// decide whether it is kept.
	Row *contract.Row
	// Keys are what a document that survived is compared by, in the order of
	// Runner.Across.
	Keys [][]uint64
}

// FileStats counts what a scan read.
type FileStats struct {
	// Bytes were read, as stored.
	Bytes int64
	// Records could be read, Pages among them are HTML, Survived of these every
	// stage.
	Records, Pages, Survived int64
	// Damage counts damaged spans by cause; Skipped counts what holds no page,
	// by record type, "not_html" for responses that are something else, and
	// "shared_member" for gzip members without ranges.
	Damage, Skipped map[string]int64
	// IsPartOf is what the first warcinfo record calls the crawl.
	IsPartOf string
	// StageTime is what the workers spent per stage; empty without Runner.Now.
	StageTime map[string]time.Duration
}

const (
	// A job takes at least one token, and one for each tokenBytes of its block.
	tokenBytes = 256 << 10
	// tokens bounds the blocks between reader and collector to 256 MiB, or one
	// block if it is larger. Beyond that, the reader holds one block more, and
	// each worker one decoded page and what its stages make of it.
	tokens = 1024
)

// Scan reads records from src and calls emit, from the calling goroutine, for
// every ledger row in order of offset. It returns the first error of ctx, emit
// or src; damage is no error.
//
// The rows depend on the bytes alone and are local: a scan of the bytes between
// two borders of a file, with Start at the first, emits the rows of the scan of
// the whole file between them. Borders are the offsets of the rows that are not
// damaged spans, and both ends of the file.
//
// src is read from another goroutine until Scan returns; Scan waits for a Read
// that is under way.
func (r *Runner) Scan(ctx context.Context, src io.Reader, f File, emit func(Result) error) (FileStats, error) {
	parent := ctx
	ctx, cancel := context.WithCancel(ctx)
	s := &scan{
		runner:  r,
		file:    f,
		src:     &countingReader{r: src},
		work:    make(chan *job),
		ordered: make(chan *job, tokens),
		tokens:  make(chan struct{}, tokens),
	}
	var running sync.WaitGroup
	running.Go(func() { s.readErr = s.read(ctx) })
	times := r.newTimes()
	for i := range times {
		running.Go(func() {
			for j := range s.work {
				j.run(r, f, times[i])
				close(j.done)
			}
		})
	}
	c := newCollector(f, emit)
	err := s.collect(ctx, c)
	cancel()
	running.Wait()
	c.stats.Bytes = s.src.n
	c.stats.StageTime = r.sumTimes(times)
	if err == nil {
		err = s.readErr
	}
	if err == nil {
		err = c.finish(f.Start + s.src.n)
	}
	if errors.Is(err, context.Canceled) && parent.Err() != nil {
		err = context.Cause(parent)
	}
	return c.stats, err
}

// scan is one call of Scan: a reader that splits the file into jobs, workers
// that run them in any order, and the caller, who collects them in order.
type scan struct {
	runner        *Runner
	file          File
	src           *countingReader
	work, ordered chan *job
	// tokens holds one element per token taken.
	tokens  chan struct{}
	readErr error
}

func (s *scan) read(ctx context.Context) error {
	defer close(s.ordered)
	defer close(s.work)
	records := warc.NewReader(s.src, s.file.Start, warc.Options{MaxBlock: s.runner.MaxBlock, Shared: !s.file.Leased})
	for {
		rec, err := records.Next()
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, warc.ErrNotWARC) && s.file.Leased:
			return nil
		case err != nil:
			return err
		}
		j := newJob(rec)
		for range j.tokens {
			select {
			case s.tokens <- struct{}{}:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if j.mayBePage() {
			select {
			case s.work <- j:
			case <-ctx.Done():
				return ctx.Err()
			}
		} else {
			close(j.done)
		}
		// Never blocks: the channel has room for as many jobs as there are tokens.
		s.ordered <- j
	}
}

func (s *scan) collect(ctx context.Context, c *collector) error {
	for j := range s.ordered {
		select {
		case <-j.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := c.add(j); err != nil {
			return err
		}
		for range j.tokens {
			<-s.tokens
		}
	}
	return nil
}

// job is one record on its way from the reader over a worker to the collector.
type job struct {
	rec    *warc.Record
	tokens int
	done   chan struct{}
	// page is set by the worker if the record is an HTML page.
	page *Result
}

func newJob(rec *warc.Record) *job {
	return &job{rec: rec, tokens: min(1+len(rec.Block)/tokenBytes, tokens), done: make(chan struct{})}
}

func (j *job) mayBePage() bool {
	return j.rec.Damage == "" && !j.withoutRange() && recordKind(j.rec) == kindResponse
}

// readPage is rec.Page, with a panic as the page's problem, as in processStage.
func readPage(rec *warc.Record, o warc.PageOptions) (page warc.Page, isHTML bool) {
	defer func() {
		if recover() != nil {
			page, isHTML = warc.Page{ID: rec.ID, Problem: ReasonPanic}, true
		}
	}()
	return rec.Page(o)
}

// withoutRange reports whether the job is a gzip member of several records that
// was not read.
func (j *job) withoutRange() bool { return j.rec.Shared && j.rec.Offset >= 0 }

// run makes the page's ledger row and, if it survives, its shard row.
func (j *job) run(r *Runner, f File, times []time.Duration) {
	rec := j.rec
	var start time.Time
	if times != nil {
		start = r.Now()
	}
	page, isHTML := readPage(rec, r.Page)
	if times != nil {
		times[0] += r.Now().Sub(start)
	}
	rec.Block = nil
	if !isHTML {
		return
	}
	ledger := contract.LedgerRow{
		File: f.Number, Offset: rec.Offset, Length: rec.Length, ID: page.ID,
		KeptFile: contract.NoKeeper, KeptOffset: contract.NoKeeper,
	}
	j.page = &Result{Ledger: ledger}
	if page.Problem == "" && rec.Length > math.MaxInt32 {
		// Shards state lengths in 32 bits.
		page.Problem, page.Value = warc.ProblemTooLarge, float64(rec.Length)
	}
	row := &j.page.Ledger
	if page.Problem != "" {
		row.Outcome, row.Reason, row.Value = StageRead, page.Problem, page.Value
		return
	}
	d := &Document{ID: page.ID, URL: page.URL, Date: page.Date, HTML: page.HTML}
	page.HTML = ""
	verdict := r.process(d, times)
	verdict.record(row, d)
	if verdict.outcome != contract.OutcomeKept {
		return
	}
	j.page.Keys = verdict.keys
	j.page.Row = &contract.Row{
		ID: d.ID, Dump: f.Dump, URL: d.URL, Date: d.Date, FilePath: f.Path, WARCOffset: rec.Offset, WARCLength: int32(rec.Length),
	}
	fill(j.page.Row, d)
}

type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
