package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"finest/internal/contract"
)

// maxAnswer bounds an answer, headers included: a receipt takes less than 2 KiB.
const maxAnswer = 64 << 10

// answers reads the answers of one connection, one after another.
type answers struct {
	limited *io.LimitedReader // what one answer may still take
	reader  *bufio.Reader
	body    bytes.Buffer
}

func newAnswers(r io.Reader) *answers {
	limited := &io.LimitedReader{R: r}
	return &answers{limited: limited, reader: bufio.NewReader(limited)}
}

// answer is one; its body is there until the next is read.
type answer struct {
	status int
	kind   string // media type
	body   []byte
	// last says that the connection takes no other request.
	last bool
}

// next reads an answer in whole.
func (a *answers) next() (answer, error) {
	a.limited.N = maxAnswer + 1
	read, err := a.read()
	switch {
	case a.limited.N <= 0:
		return answer{}, fmt.Errorf("read the answer: more than %d bytes", maxAnswer)
	case err != nil:
		return answer{}, fmt.Errorf("read the answer: %w", err)
	}
	return read, nil
}

func (a *answers) read() (answer, error) {
	r, err := http.ReadResponse(a.reader, nil)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = r.Body.Close() }()
	a.body.Reset()
	if _, err := a.body.ReadFrom(r.Body); err != nil {
		return answer{}, err
	}
	// What follows an answer that nobody asked for has lost step.
	last := r.Close || r.StatusCode < http.StatusOK || a.reader.Buffered() > 0
	return answer{status: r.StatusCode, kind: r.Header.Get("Content-Type"), body: a.body.Bytes(), last: last}, nil
}

// lease is what the next request of a slot takes from an answer: of a receipt, or
// of the status of a lease.
type lease struct {
	Task       string `json:"task"`
	Generation int64  `json:"generation"`
	Block      uint64 `json:"block"`
}

// lease decodes the answer to a lease or a submission; a refusal is a
// *contract.Problem.
func (a answer) lease() (lease, error) {
	if a.status < 200 || a.status > 299 {
		return lease{}, a.problem()
	}
	var l lease
	if err := json.Unmarshal(a.body, &l); err != nil {
		return lease{}, fmt.Errorf("decode the answer: %w", err)
	}
	if l.Task == "" || l.Generation < 1 {
		return lease{}, errors.New("the answer names no lease")
	}
	return l, nil
}

func (a answer) problem() *contract.Problem {
	p := new(contract.Problem)
	kind, _, _ := mime.ParseMediaType(a.kind)
	if kind != contract.ProblemMediaType || json.Unmarshal(a.body, p) != nil {
		p = &contract.Problem{Title: http.StatusText(a.status)}
	}
	p.Status = a.status
	return p
}
