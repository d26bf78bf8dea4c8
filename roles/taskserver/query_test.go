package taskserver_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"finest/internal/contract"
)

// TestQueriesAreTakenAsAWhole: a query that cannot be read, or asks for what an
// operation does not know, is refused rather than answered as another one.
func TestQueriesAreTakenAsAWhole(t *testing.T) {
	e := newEnv(t, 1)
	task := crawl + "-000000"
	for path, want := range map[string]int{
		"/v1/tasks":                                 200,
		"/v1/tasks?":                                200,
		"/v1/tasks?state=available&limit=7":         200,
		"/v1/tasks?limit=%zz":                       400,
		"/v1/tasks?limit=7;state=available":         400,
		"/v1/tasks?%zz":                             400,
		"/v1/tasks?limti=7":                         400,
		"/v1/tasks?limit=7&limit=8":                 400,
		"/v1/tasks?since=7":                         400,
		"/v1/submissions?task=" + task + "&since=0": 200,
		"/v1/submissions?hotkey=x":                  400,
		"/v1/verdicts?hotkey=x&limit=1":             200,
		"/v1/verdicts?hotkey=%f":                    400,
		"/v1/proofs?since=0":                        200,
		"/v1/proofs?limit=1":                        400,
		"/v1/tasks/" + task:                         200,
		"/v1/tasks/" + task + "?id=" + task:         400,
		"/v1/statements/" + sumA + "?since=0":       400,
		"/v1/stats?at=1000":                         400,
		"/v1/openapi.json?%zz":                      400,
		"/healthz?verbose":                          400,
	} {
		status, body := e.get(path)
		equal(t, "status of "+path, status, want)
		if want == 400 && !strings.Contains(body, contract.ProblemMalformed) {
			t.Errorf("%s is answered with %s", path, body)
		}
	}
	r := e.signedRequest("//Miner", "lease", []byte(leaseBody), uuidOf(1))
	r.URL.RawQuery = "slot=2"
	equal(t, "a signed request with a query", e.problemOf(r), contract.ProblemMalformed)
}

// TestOtherMethods: every path says which methods it has, those beside the API
// too.
func TestOtherMethods(t *testing.T) {
	e := newEnv(t, 1)
	allowed := map[string]string{"/leaderboard": "GET, HEAD", "/metrics": "GET, HEAD"}
	for path, operations := range e.document().Paths {
		for method := range operations {
			allowed[path] = map[string]string{"get": "GET, HEAD", "post": "POST"}[method]
		}
	}
	for path, allow := range allowed {
		path = strings.NewReplacer("{id}", crawl+"-000000", "{sha256}", sumA).Replace(path)
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"} {
			if strings.Contains(allow, method) {
				continue
			}
			r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
			w := httptest.NewRecorder()
			e.server.Handler().ServeHTTP(w, r)
			equal(t, "status of "+method+" "+path, w.Code, http.StatusMethodNotAllowed)
			equal(t, "Allow of "+method+" "+path, w.Header().Get("Allow"), allow)
			equal(t, "problem of "+method+" "+path, e.problemOf(r), contract.ProblemMethod)
		}
	}
}
