package taskserver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"finest/chain"
	"finest/internal/canon"
	"finest/internal/contract"
	"finest/roles/taskserver"
	"finest/roles/taskserver/engine"
)

// hostile are texts that mean something to a database, a browser, a log or a
// header.
var hostile = []string{
	`'; DROP TABLE tasks; --`, `" OR 1=1 --`, `%' OR '1'='1`, `\`, "a\x00b",
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `{{.}} ${jndi:ldap://x} %s %n`,
	"line\nlevel=error msg=forged", "x\r\nSet-Cookie: a=b", "\x1b[2J\x1b[31m", "\u202e\u2028", strings.Repeat("A", 400),
}

// TestHostileTexts puts them wherever a text is taken from a request, and then
// looks that all is as it was, that answers have no markup and no forged
// headers, and that the log has one line for each event.
func TestHostileTexts(t *testing.T) {
	var log bytes.Buffer
	e := newEnv(t, 2, func(o *taskserver.Options) { o.Log = zerolog.New(&log).Level(zerolog.DebugLevel) })
	r := e.lease("//Miner")
	before := e.summary()
	for i, text := range hostile {
		sent := 0
		send := func(uri, op string, body map[string]any) {
			t.Helper()
			if body["op"] == nil {
				body["op"] = op
			}
			raw, err := canon.Marshal(body)
			check(t, err)
			sent++
			e.harmless(e.signedRequest(uri, op, raw, uuidOf(1000+100*i+sent)))
		}
		send("//Miner", "lease", map[string]any{"slot": 1, "recipe": text})
		send("//Miner", "lease", map[string]any{"op": text, "slot": 1, "recipe": "fineweb"})
		send("//Other", "renew", map[string]any{"task": text, "generation": 1})
		send("//Other", "release", map[string]any{"task": r.Task, "generation": 1, "reason": text, "missing": text})
		send("//Other", "submit", map[string]any{"task": text, "generation": 1, "claim": text, "manifest": text, "block": 1})
		send("//Validator", "score", map[string]any{"weights_block": 1, "verdicts": []any{map[string]any{"task": text, "generation": 1,
			"hotkey": text, "manifest": text, "outcome": text, "reason": text, "pay": text}}})
		send("//Validator", "proof", map[string]any{"proof": text})
		for _, name := range []string{contract.HeaderVersion, contract.HeaderTimestamp, contract.HeaderUUID, contract.HeaderSignedBy,
			contract.HeaderSignedFor, contract.HeaderSignature, contract.HeaderClient, "Content-Type", "Host", "X-Forwarded-For"} {
			signed := e.signedRequest("//Miner", "lease", []byte(leaseBody), uuidOf(i))
			signed.Header[name] = []string{text}
			if name != contract.HeaderClient && strings.HasPrefix(name, "Epistula") {
				e.harmless(signed)
			}
		}
		escaped := url.QueryEscape(text)
		for _, path := range []string{"/v1/tasks?crawl=", "/v1/tasks?state=", "/v1/tasks?after=", "/v1/tasks?limit=", "/v1/submissions?task=",
			"/v1/submissions?since=", "/v1/verdicts?hotkey=", "/v1/verdicts?task=", "/v1/proofs?since=", "/v1/tasks/", "/v1/statements/", "/"} {
			e.harmless(httptest.NewRequestWithContext(t.Context(), "GET", path+strings.ReplaceAll(escaped, "+", "%20"), nil))
		}
	}
	equal(t, "tables after all that", e.summary(), before)
	for line := range strings.Lines(log.String()) {
		if !json.Valid([]byte(line)) || strings.ContainsAny(strings.TrimSuffix(line, "\n"), "\x1b\r\n") {
			t.Errorf("log line %q", line)
		}
	}
}

// TestHostileReasons: texts for people are kept as they are and come back as
// JSON in which no browser finds markup.
func TestHostileReasons(t *testing.T) {
	e := newEnv(t, 1)
	r := e.submitted("//Miner")
	var kept []string
	for i, text := range hostile {
		v := verdictOn(r, contract.VerdictUndecided, fmt.Sprint(i))
		v.Reason = text
		err := e.client("//Validator").Score(t.Context(), []contract.Verdict{v}, firstHead)
		if strings.Contains(text, "\x00") {
			wantProblem(t, "NUL in a reason", err, contract.ProblemMalformed)
			continue
		}
		check(t, err)
		kept = append(kept, text)
	}
	list, _, err := e.client("//Other").Verdicts(t.Context(), r.Hotkey, 0)
	check(t, err)
	equal(t, "verdicts", len(list), len(kept))
	for i, v := range list {
		equal(t, "reason", v.Reason, kept[i])
	}
	_, body := e.get("/v1/verdicts")
	if strings.ContainsAny(body, "<>\x1b\r\x00") {
		t.Errorf("answer with markup: %q", body)
	}
}

// summary is what an attack must not change.
func (e *env) summary() string {
	e.t.Helper()
	_, tasks := e.get("/v1/tasks")
	_, audit := e.get("/v1/audit")
	_, submissions := e.get("/v1/submissions")
	_, verdicts := e.get("/v1/verdicts")
	return tasks + audit + submissions + verdicts
}

// harmless sends a request and checks the form of the answer.
func (e *env) harmless(r *http.Request) {
	e.t.Helper()
	w := httptest.NewRecorder()
	e.server.Handler().ServeHTTP(w, r)
	answer := w.Result()
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode >= 500 {
		e.t.Errorf("%s %s: %d %s", r.Method, r.URL, answer.StatusCode, w.Body)
	}
	for name, values := range answer.Header {
		switch name {
		case "Content-Type", "Cache-Control", "X-Content-Type-Options", "Retry-After", "Allow", "Location":
			if strings.ContainsAny(strings.Join(values, ""), "\r\n\x00") {
				e.t.Errorf("header %s: %q", name, values)
			}
		default:
			e.t.Errorf("header %s appeared: %q", name, values)
		}
	}
	if kind := answer.Header.Get("Content-Type"); answer.StatusCode < 300 && kind != "application/json" ||
		answer.StatusCode >= 400 && kind != contract.ProblemMediaType {
		e.t.Errorf("%s %s: %d of type %s", r.Method, r.URL, answer.StatusCode, kind)
	}
	if answer.StatusCode >= 400 && strings.ContainsAny(w.Body.String(), "<>\x1b\r\n\x00") {
		e.t.Errorf("%s %s is answered with %q", r.Method, r.URL, w.Body)
	}
}

// TestRelayed: what is signed for one server is nothing for another, though it
// shares the store.
func TestRelayed(t *testing.T) {
	e := newEnv(t, 1)
	r := e.signedRequest("//Miner", "lease", []byte(leaseBody), uuidOf(1))
	e.change = append(e.change, func(o *taskserver.Options) { o.Keys = []taskserver.Key{{Signer: key(t, "//Elsewhere")}} })
	e.start()
	equal(t, "problem", e.problemOf(r), contract.ProblemWrongReceiver)
}

// TestReplayedAtAnotherReplica: replicas share what was used.
func TestReplayedAtAnotherReplica(t *testing.T) {
	e := newEnv(t, 1)
	first := e.signedRequest("//Miner", "lease", []byte(leaseBody), uuidOf(1))
	again := e.signedRequest("//Miner", "lease", []byte(leaseBody), uuidOf(1))
	equal(t, "first", e.problemOf(first), "")
	e.start()
	equal(t, "at the other", e.problemOf(again), contract.ProblemReplayed)
}

// TestRetargeted: a body that is signed for one operation is refused by all
// others.
func TestRetargeted(t *testing.T) {
	e := newEnv(t, 1)
	r := e.lease("//Validator")
	bodies := map[string]string{
		"lease":   leaseBody,
		"renew":   fmt.Sprintf(`{"generation":1,"op":"renew","task":%q}`, r.Task),
		"release": fmt.Sprintf(`{"generation":1,"missing":"","op":"release","reason":"","task":%q}`, r.Task),
		"submit":  fmt.Sprintf(`{"block":1001,"claim":%q,"generation":1,"manifest":%q,"op":"submit","task":%q}`, claim, sumA, r.Task),
		"score":   `{"op":"score","verdicts":[],"weights_block":1}`,
		"proof":   `{"op":"proof","proof":{}}`,
	}
	n := 0
	for signedFor, body := range bodies {
		for sentTo := range bodies {
			if n++; signedFor != sentTo {
				equal(t, signedFor+" sent to "+sentTo, e.problemOf(e.signedRequest("//Validator", sentTo, []byte(body), uuidOf(n))), contract.ProblemWrongOperation)
			}
		}
	}
	equal(t, "state", e.state(r.Task), contract.TaskLeased)
}

// TestRefusalLeavesNoUsableRequest: what was refused is not granted when it is
// sent again later, by whomever.
func TestRefusalLeavesNoUsableRequest(t *testing.T) {
	e := newEnv(t, 1)
	e.lease("//Other")
	r := e.signedRequest("//Miner", "lease", []byte(leaseBody), uuidOf(1))
	equal(t, "without a task", e.problemOf(r), contract.ProblemNoTask)
	e.importCrawl("CC-TEST-2024-11", 2)
	equal(t, "with a task", e.problemOf(e.signedRequest("//Miner", "lease", []byte(leaseBody), uuidOf(1))), contract.ProblemReplayed)

	score := fmt.Sprintf(`{"op":"score","verdicts":[{"generation":1,"hotkey":%q,"manifest":%q,"outcome":"accepted","pay":"1","reason":"","task":%q}],"weights_block":1}`,
		key(t, "//Other").Address(), sumA, crawl+"-000000")
	signed := func() *http.Request { return e.signedRequest("//Miner", "score", []byte(score), uuidOf(2)) }
	equal(t, "without a permit", e.problemOf(signed()), contract.ProblemNoPermit)
	e.chain.set(func(c *fakeChain) { c.neurons = []chain.Neuron{neuron(t, 0, "//Miner", true)} })
	e.mine(1)
	e.pass(taskserver.DefaultNeuronsAge)
	e.pass(-taskserver.DefaultNeuronsAge)
	equal(t, "sent again", e.problemOf(signed()), contract.ProblemReplayed)
}

// TestNobodyActsForAnother: neither with their lease nor with their name.
func TestNobodyActsForAnother(t *testing.T) {
	e := newEnv(t, 2)
	r := e.lease("//Miner")
	e.mine(1)
	ctx, thief := t.Context(), e.client("//Other")
	wantProblem(t, "submit", thief.Submit(ctx, submission(r)), contract.ProblemNotHolder)
	wantProblem(t, "renew", thief.Renew(ctx, r.Task, r.Generation), contract.ProblemNotHolder)
	wantProblem(t, "release", thief.Release(ctx, contract.ReleaseRequest{Task: r.Task, Generation: r.Generation}), contract.ProblemNotHolder)
	// Signed by the thief, in the name of the holder.
	body := fmt.Sprintf(`{"generation":1,"missing":"","op":"release","reason":"","task":%q}`, r.Task)
	forged := e.signedRequest("//Other", "release", []byte(body), uuidOf(1))
	forged.Header.Set(contract.HeaderSignedBy, r.Hotkey)
	equal(t, "forged", e.problemOf(forged), contract.ProblemBadSignature)
	equal(t, "state", e.state(r.Task), contract.TaskLeased)
}

// TestNobodyJudgesThemselves: not a miner, and not a validator with a task.
func TestNobodyJudgesThemselves(t *testing.T) {
	e := newEnv(t, 2)
	ctx := t.Context()
	mine := e.submitted("//Miner")
	good := []contract.Verdict{verdictOn(mine, contract.VerdictAccepted, "1")}
	wantProblem(t, "a miner's verdict on itself", e.client("//Miner").Score(ctx, good, firstHead), contract.ProblemNoPermit)
	own := e.submitted("//Validator")
	check(t, e.client("//Validator").Score(ctx, []contract.Verdict{verdictOn(own, contract.VerdictAccepted, "1")}, firstHead))
	equal(t, "a validator's own task", e.state(own.Task), contract.TaskSubmitted)
}

// TestStatements: what a validator published can be checked by anyone, and a
// server that changes it is found out.
func TestStatements(t *testing.T) {
	e := newEnv(t, 1)
	ctx := t.Context()
	r := e.submitted("//Miner")
	check(t, e.client("//Validator").Score(ctx, []contract.Verdict{verdictOn(r, contract.VerdictRejected, "0.5")}, firstHead))
	reader := e.client("//Other")
	verdicts, next, err := reader.Verdicts(ctx, r.Hotkey, 0)
	check(t, err)
	equal(t, "verdicts", len(verdicts), 1)
	s, err := reader.Statement(ctx, verdicts[0].Statement)
	check(t, err)
	equal(t, "validator", s.Validator, key(t, "//Validator").Address())
	var req contract.ScoreRequest
	check(t, canon.Unmarshal(s.Body, &req))
	equal(t, "verdict of the statement", req.Verdicts[0], verdicts[0].Verdict)
	more, _, err := reader.Verdicts(ctx, "", next)
	check(t, err)
	equal(t, "verdicts after the last", len(more), 0)
	none, _, err := reader.Verdicts(ctx, e.signer.Address(), 0)
	check(t, err)
	equal(t, "verdicts on another", len(none), 0)

	// What was signed in another form cannot be checked later.
	body := strings.Replace(string(s.Body), `"op":"score"`, `"op": "score"`, 1)
	equal(t, "not canonical", e.problemOf(e.signedRequest("//Validator", "score", []byte(body), uuidOf(1))), contract.ProblemMalformed)

	for name, change := range map[string]func(*contract.Statement){
		"another outcome":   func(s *contract.Statement) { s.Body = bytes.Replace(s.Body, []byte("rejected"), []byte("accepted"), 1) },
		"another validator": func(s *contract.Statement) { s.Validator = key(t, "//Other").Address() },
		"another time":      func(s *contract.Statement) { s.Timestamp++ },
		"another receiver":  func(s *contract.Statement) { s.SignedFor = key(t, "//Other").Address() },
		"no signature":      func(s *contract.Statement) { s.Signature = "" },
		"long signature":    func(s *contract.Statement) { s.Signature += s.Signature },
		"no address":        func(s *contract.Statement) { s.Validator = "x" },
	} {
		forged := s
		change(&forged)
		store := e.store
		e.store = forgingStore{store, forged}
		e.start()
		if _, err := e.client("//Other").Statement(ctx, s.SHA256); err == nil {
			t.Errorf("%s: not found out", name)
		}
		e.store = store
	}
	e.start()
	for _, sum := range []string{sumA, "x", strings.ToUpper(sumA)} {
		status, _ := e.get("/v1/statements/" + sum)
		equal(t, "status of "+sum, status, 404)
	}
}

// TestEachValidatorHasItsStatement: validators who say the same, word for word,
// have each signed it.
func TestEachValidatorHasItsStatement(t *testing.T) {
	e := newEnv(t, 1)
	ctx := t.Context()
	r := e.submitted("//Miner")
	e.chain.set(func(c *fakeChain) { c.neurons = append(c.neurons, neuron(t, 9, "//New", true)) })
	e.mine(1)
	validators := []string{"//Validator", "//New"}
	for range 2 { // the same again is no other statement
		for _, validator := range validators {
			check(t, e.client(validator).Score(ctx, []contract.Verdict{verdictOn(r, contract.VerdictAccepted, "1")}, firstHead))
		}
	}
	reader := e.client("//Other")
	verdicts, _, err := reader.Verdicts(ctx, "", 0)
	check(t, err)
	equal(t, "verdicts", len(verdicts), len(validators))
	for i, v := range verdicts {
		equal(t, "validator of the verdict", v.Validator, key(t, validators[i]).Address())
		s, err := reader.Statement(ctx, v.Statement)
		check(t, err)
		equal(t, "validator of its statement", s.Validator, v.Validator)
	}
}

// forgingStore has another statement than was made.
type forgingStore struct {
	engine.Store
	forged contract.Statement
}

type forgingView struct {
	engine.View
	forged contract.Statement
}

func (v forgingView) Statement(string) (contract.Statement, error) { return v.forged, nil }

func (s forgingStore) View(ctx context.Context, f func(engine.View) error) error {
	return s.Store.View(ctx, func(v engine.View) error { return f(forgingView{v, s.forged}) })
}

// TestClockJumps: an hour more or less on the server's clock moves no deadline,
// and lets nobody use a request twice.
func TestClockJumps(t *testing.T) {
	e := newEnv(t, 1)
	r := e.lease("//Miner")
	request := func() *http.Request { return e.signedRequest("//Miner", "lease", []byte(leaseBody), uuidOf(7)) }
	at := request()
	equal(t, "first", e.problemOf(request()), "")
	for _, jump := range []time.Duration{time.Hour, -2 * time.Hour, time.Hour} {
		e.pass(jump)
		_, err := e.server.Once(t.Context())
		check(t, err)
		equal(t, "state", e.state(r.Task), contract.TaskLeased)
		equal(t, "lease", canonical(t, e.lease("//Miner")), canonical(t, r))
	}
	at.Body = io.NopCloser(strings.NewReader(leaseBody))
	equal(t, "sent again when the clock is right", e.problemOf(at), contract.ProblemReplayed)
}

// TestOutdatedClients: who says an old version is told so, who says none is
// served.
func TestOutdatedClients(t *testing.T) {
	e := newEnv(t, 1, func(o *taskserver.Options) { o.MinClient = contract.ClientVersion })
	for i, c := range []struct{ version, want string }{
		{"", ""}, {"1", ""}, {"7", ""}, {"0", contract.ProblemOutdated}, {"-1", contract.ProblemMalformed}, {"one", contract.ProblemMalformed},
	} {
		r := e.signedRequest("//Miner", "lease", []byte(leaseBody), uuidOf(i))
		if c.version != "" {
			r.Header.Set(contract.HeaderClient, c.version)
		}
		equal(t, "problem of version "+c.version, e.problemOf(r), c.want)
	}
	r := e.signedRequest("//Miner", "lease", []byte(leaseBody), uuidOf(100))
	r.Header.Set(contract.HeaderClient, "0")
	w := httptest.NewRecorder()
	e.server.Handler().ServeHTTP(w, r)
	equal(t, "status", w.Code, http.StatusUpgradeRequired)
	equal(t, "upgrade", w.Header().Get("Upgrade"), "finest-client/1")
}
