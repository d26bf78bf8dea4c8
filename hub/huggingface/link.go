package huggingface

import (
	"net/url"
	"strings"
)

// maxLink is longer than any link to a next page.
const maxLink = 8 << 10

// nextPage turns r into the request for the next page of a list, if a Link
// header names one. Pages stay at the endpoint, with its token, so links to
// anywhere else are refused; and a page without entries is the last one, so that
// a hub cannot keep a reader busy for ever.
func (c *Client) nextPage(r *request, links []string, entries int) (bool, error) {
	link := nextLink(links)
	if link == "" {
		return false, nil
	}
	u, err := c.storageURL(link)
	if err != nil {
		return false, err
	}
	path, below := strings.CutPrefix(u.EscapedPath(), c.endpoint.EscapedPath())
	query, err := url.ParseQuery(u.RawQuery)
	switch {
	case !c.isOurs(u) || !below || !strings.HasPrefix(path, "/api/"):
		return false, strange("the next page is at %s, not below %s", u.Host, c.endpoint.Host)
	case err != nil:
		return false, strange("the link to the next page has a query that cannot be read")
	case entries == 0:
		return false, strange("a page without entries has a next one")
	case path == r.path && query.Encode() == r.query.Encode():
		return false, strange("the next page is the same page")
	}
	r.path, r.query = path, query
	return true, nil
}

// nextLink returns the URL of rel="next" in Link headers (RFC 8288), "" if there
// is none.
func nextLink(values []string) string {
	for _, value := range values {
		if len(value) > maxLink {
			continue
		}
		for value != "" {
			var link, params string
			_, value, _ = strings.Cut(value, "<")
			link, value, _ = strings.Cut(value, ">")
			params, value = cutParams(value)
			if hasRelNext(params) {
				return link
			}
		}
	}
	return ""
}

// cutParams returns the parameters of one link, and what follows the comma that
// ends them. Commas within quotes end nothing.
func cutParams(s string) (params, rest string) {
	quoted := false
	for i := range len(s) {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ',' && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

func hasRelNext(params string) bool {
	for param := range strings.SplitSeq(params, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(param), "=")
		value = strings.Trim(strings.TrimSpace(value), `"`)
		if strings.EqualFold(strings.TrimSpace(key), "rel") {
			for rel := range strings.FieldsSeq(value) {
				if strings.EqualFold(rel, "next") {
					return true
				}
			}
		}
	}
	return false
}
