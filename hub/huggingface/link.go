package huggingface

import (
	"net/url"
	"regexp"
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

var (
	// linkRE finds one link of a header and its parameters, which end at a comma
	// outside quotes (RFC 8288, 3).
	linkRE = regexp.MustCompile(`<([^>]*)>((?:[^,"]|"[^"]*")*)`)
	// relNextRE finds the relation "next" in them, which may be one of several.
	relNextRE = regexp.MustCompile(`(?i);\s*rel\s*=\s*(?:next|"(?:[^"]*\s)?next(?:\s[^"]*)?")\s*(?:;|$)`)
)

// nextLink returns the URL of rel="next" in Link headers, "" if there is none.
func nextLink(values []string) string {
	for _, value := range values {
		if len(value) > maxLink {
			continue
		}
		for _, link := range linkRE.FindAllStringSubmatch(value, -1) {
			if relNextRE.MatchString(link[2]) {
				return link[1]
			}
		}
	}
	return ""
}
