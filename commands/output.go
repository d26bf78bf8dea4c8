package commands

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/rs/zerolog"
	"golang.org/x/term"
)

// Streams are where a command writes: results to Out, everything else to Err.
type Streams struct{ Out, Err io.Writer }

// printer writes what a command has to say, in the form the caller asked for.
type printer struct {
	streams  Streams
	json     bool
	quiet    bool
	terminal bool
	columns  func() int // of the terminal; 0 where it does not tell
	now      func() time.Time

	mu       sync.Mutex
	lastLine time.Time
	width    int
}

func newPrinter(s Streams, asJSON, quiet bool) *printer {
	p := &printer{streams: s, json: asJSON, quiet: quiet, columns: func() int { return 0 }, now: time.Now}
	p.lastLine = p.now() // what ends soon shows no progress
	if f, ok := s.Err.(*os.File); ok {
		p.terminal = isatty.IsTerminal(f.Fd())
		p.columns = func() int {
			width, _, err := term.GetSize(int(f.Fd()))
			if err != nil {
				return 0
			}
			return width
		}
	}
	return p
}

// result writes one object: a JSON line, or the text that human renders unless
// the caller wants quiet.
func (p *printer) result(v any, human func(io.Writer)) error {
	p.clear()
	if !p.json {
		if !p.quiet {
			human(p.streams.Out)
		}
		return nil
	}
	enc := json.NewEncoder(p.streams.Out)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// note writes a line for people to the error stream, unless they want quiet.
func (p *printer) note(format string, args ...any) {
	if p.quiet {
		return
	}
	p.clear()
	_, _ = fmt.Fprintf(p.streams.Err, format+"\n", args...)
}

// Intervals between progress lines: redrawn in place on a terminal, seldom
// where every line is kept.
const (
	terminalInterval = 200 * time.Millisecond
	plainInterval    = 10 * time.Second
)

// progress shows a line that the next one replaces; where the error stream is
// no terminal it writes one now and then.
func (p *printer) progress(render func() string) {
	if p.quiet {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	interval := plainInterval
	if p.terminal {
		interval = terminalInterval
	}
	now := p.now()
	if now.Sub(p.lastLine) < interval {
		return
	}
	p.lastLine = now
	line := render()
	if !p.terminal {
		_, _ = fmt.Fprintln(p.streams.Err, line)
		return
	}
	line, p.width = p.fit(line)
	_, _ = fmt.Fprintf(p.streams.Err, "\r%s", line)
}

// fit cuts a progress line to one row of the terminal, where alone it can be drawn
// over, and fills it up to the width of the last one. It returns the width of what
// stays of it, too.
func (p *printer) fit(line string) (filled string, width int) {
	text, before := []rune(line), p.width
	if most := p.columns() - 1; most > 0 {
		text, before = text[:min(len(text), most)], min(before, most)
	}
	return string(text) + strings.Repeat(" ", max(0, before-len(text))), len(text)
}

// clear removes a progress line before something else is written.
func (p *printer) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.terminal && p.width > 0 {
		_, _ = fmt.Fprintf(p.streams.Err, "\r%*s\r", p.width, "")
		p.width = 0
	}
}

// logger returns the log of the roles: lines for people, or JSON lines.
func (p *printer) logger(level string) (zerolog.Logger, error) {
	lvl, err := zerolog.ParseLevel(level)
	if err != nil || level == "" {
		return zerolog.Nop(), usageError("--log-level %q is none of trace, debug, info, warn, error", level)
	}
	if p.quiet {
		lvl = max(lvl, zerolog.ErrorLevel)
	}
	w := p.streams.Err
	if !p.json {
		w = zerolog.ConsoleWriter{Out: p.streams.Err, TimeFormat: time.TimeOnly, NoColor: !p.terminal}
	}
	return zerolog.New(w).Level(lvl).With().Timestamp().Logger(), nil
}

// failure tells the caller that the command failed, and what to do about it.
func (p *printer) failure(err error) {
	p.clear()
	hint := hintOf(err)
	if p.json {
		_ = json.NewEncoder(p.streams.Err).Encode(struct {
			Error string `json:"error"`
			Hint  string `json:"hint,omitempty"`
			Exit  int    `json:"exit"`
		}{err.Error(), hint, ExitCode(err)})
		return
	}
	_, _ = fmt.Fprintf(p.streams.Err, "finest: %v\n", err)
	if hint != "" {
		_, _ = fmt.Fprintf(p.streams.Err, "finest: hint: %s\n", hint)
	}
}
