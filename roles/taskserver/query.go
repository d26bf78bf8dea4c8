package taskserver

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"finest/internal/contract"
)

// checkQuery refuses what a route cannot take: a query that does not parse, a
// parameter that it does not know or that is there twice. Ignored, a misspelt
// parameter would answer another question than was asked.
func (r route) checkQuery(raw string) error {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return problem(contract.ProblemMalformed, "the query %.80q is not URL-encoded", raw)
	}
	for name, values := range query {
		if !slices.ContainsFunc(r.params, func(p param) bool { return p.name == name && !p.inPath }) {
			return problem(contract.ProblemMalformed, "%s takes no parameter %.40q", r.path, name)
		}
		if len(values) > 1 {
			return problem(contract.ProblemMalformed, "the parameter %s is there %d times", name, len(values))
		}
	}
	return nil
}

func pageOf(query url.Values) (since int64, limit int, err error) {
	if since, err = sinceOf(query); err != nil {
		return 0, 0, err
	}
	limit, err = limitOf(query)
	return since, limit, err
}

func sinceOf(query url.Values) (int64, error) {
	text := query.Get("since")
	if text == "" {
		return 0, nil
	}
	since, err := strconv.ParseInt(text, 10, 64)
	if err != nil || since < 0 || since > maxSeq {
		return 0, problem(contract.ProblemMalformed, "since=%.40q is not a sequence number", text)
	}
	return since, nil
}

func limitOf(query url.Values) (int, error) {
	text := query.Get("limit")
	if text == "" {
		return defaultPage, nil
	}
	limit, err := strconv.Atoi(text)
	if err != nil || limit < 1 || limit > maxPage {
		return 0, problem(contract.ProblemMalformed, "limit=%.40q is not 1 to %d", text, maxPage)
	}
	return limit, nil
}

// checkTexts refuses parameters that no store could hold, so that a stranger's
// texts are no fault of the server.
func checkTexts(query url.Values, names ...string) error {
	for _, name := range names {
		if text := query.Get(name); !isText(text) {
			return problem(contract.ProblemMalformed, "%s=%.40q is not UTF-8 without NUL", name, text)
		}
	}
	return nil
}

func isText(text string) bool { return utf8.ValidString(text) && strings.IndexByte(text, 0) < 0 }
