package huggingface

import (
	"bytes"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"finest/internal/polite"
)

const (
	// quotaWait is how long a quota counted by the hour lasts at most: the Hub
	// counts commits to a repository like that.
	quotaWait = time.Hour
	// maxAskedWait bounds every wait that a server asks for.
	maxAskedWait = time.Hour
)

// askedWait returns how long a response asks to wait, and whether it does.
func askedWait(resp *http.Response, now time.Time) (time.Duration, bool) {
	var body []byte
	if resp.StatusCode == http.StatusTooManyRequests {
		// The body may name a quota. It is put back for whoever reads the error.
		body, _ = io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
		resp.Body = &replayed{io.MultiReader(bytes.NewReader(body), resp.Body), resp.Body}
	}
	wait := waitOf(resp.Header, body, now)
	return wait, wait > 0
}

// replayed is a body whose beginning was read already.
type replayed struct {
	io.Reader
	io.Closer
}

// waitOf returns the wait that an answer asks for, 0 if none. In a RateLimit
// header t is the time to the end of the window that the request was counted in
// only where nothing is left of it: on the quota of commits the Hub answers 429
// with hundreds of requests left
// (https://github.com/braindecode/braindecode/issues/947).
func waitOf(header http.Header, body []byte, now time.Time) time.Duration {
	wait, _ := polite.RetryAfter(&http.Response{Header: header}, now)
	if reset, ok := exhausted(header.Values("RateLimit")); ok {
		wait = max(wait, reset+time.Second)
	} else if len(body) > 0 || header.Get("X-Error-Message") != "" {
		wait = max(wait, quotaIn(errorMessage(header, body)))
	}
	return min(wait, maxAskedWait)
}

// exhausted reads RateLimit headers, `"api";r=0;t=35`, one item for each limit
// (draft-ietf-httpapi-ratelimit-headers), and returns when the last of those
// that are used up resets, and whether one is.
func exhausted(values []string) (reset time.Duration, ok bool) {
	for _, value := range values {
		for item := range strings.SplitSeq(value, ",") {
			left, t := int64(-1), int64(-1)
			for parameter := range strings.SplitSeq(item, ";") {
				key, text, _ := strings.Cut(strings.TrimSpace(parameter), "=")
				n, err := strconv.ParseInt(text, 10, 32)
				if err != nil || n < 0 {
					continue
				}
				switch key {
				case "r":
					left = n
				case "t":
					t = n
				}
			}
			if left == 0 && t >= 0 {
				reset, ok = max(reset, time.Duration(t)*time.Second), true
			}
		}
	}
	return reset, ok
}

var (
	// waitRE finds "retry this action in about 41 minutes".
	waitRE = regexp.MustCompile(`(?i)\bin (?:about )?(an?|[0-9]{1,6}) (second|minute|hour)s?\b`)
	// quotaRE finds the quotas that are counted by the hour: "You have exceeded
	// the rate limit for repository commits (128 per hour)", "You have exceeded
	// our hourly quotas for action: commit"
	// (https://github.com/huggingface/huggingface_hub/issues/2587).
	quotaRE = regexp.MustCompile(`(?i)\bper hour\b|\bhourly\b|\brate limit for [a-z ]*commits\b`)
)

// quotaIn returns the wait that the text of a refusal asks for, 0 if none.
func quotaIn(message string) time.Duration {
	if m := waitRE.FindStringSubmatch(message); m != nil {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			n = 1 // "in an hour"
		}
		unit := map[string]time.Duration{"second": time.Second, "minute": time.Minute, "hour": time.Hour}[strings.ToLower(m[2])]
		return time.Duration(n) * unit
	}
	if quotaRE.MatchString(message) {
		return quotaWait
	}
	return 0
}
