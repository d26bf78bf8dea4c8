package taskserver_test

import (
	"encoding/json"
	"maps"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"finest/internal/contract"
)

// document is what the tests read of the OpenAPI document.
type document struct {
	OpenAPI string `json:"openapi"`
	Paths   map[string]map[string]struct {
		OperationID string `json:"operationId"`
		Parameters  []struct {
			Ref  string `json:"$ref"`
			Name string `json:"name"`
			In   string `json:"in"`
		} `json:"parameters"`
		RequestBody *struct {
			Content map[string]media `json:"content"`
		} `json:"requestBody"`
		Responses map[string]struct {
			Description string           `json:"description"`
			Content     map[string]media `json:"content"`
		} `json:"responses"`
	} `json:"paths"`
	Components struct {
		Schemas    map[string]json.RawMessage `json:"schemas"`
		Parameters map[string]json.RawMessage `json:"parameters"`
	} `json:"components"`
}

type media struct {
	Schema struct {
		Ref string `json:"$ref"`
	} `json:"schema"`
}

func (e *env) document() (d document) {
	e.t.Helper()
	status, body := e.get("/v1/openapi.json")
	equal(e.t, "status", status, 200)
	check(e.t, json.Unmarshal([]byte(body), &d))
	return d
}

// registry holds the schemas of the document.
func (d document) registry(t testing.TB) huma.Registry {
	t.Helper()
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	for name, raw := range d.Components.Schemas {
		schema := new(huma.Schema)
		check(t, json.Unmarshal(raw, schema))
		schema.PrecomputeMessages()
		registry.Map()[name] = schema
	}
	return registry
}

// misfits says where a text does not fit a schema.
func misfits(t testing.TB, registry huma.Registry, ref, body string) []error {
	t.Helper()
	var value any
	check(t, json.Unmarshal([]byte(body), &value))
	result := new(huma.ValidateResult)
	huma.Validate(registry, registry.SchemaFromRef(ref), huma.NewPathBuffer(nil, 0), huma.ModeReadFromServer, value, result)
	return result.Errors
}

// TestDocumentIsComplete: every operation is there under a name of its own, and
// every reference leads somewhere.
func TestDocumentIsComplete(t *testing.T) {
	e := newEnv(t, 1)
	d := e.document()
	equal(t, "version", d.OpenAPI, "3.1.0")
	names := make(map[string]bool)
	for path, operations := range d.Paths {
		for method, op := range operations {
			if names[op.OperationID] || op.OperationID == "" {
				t.Errorf("%s %s is named %q", method, path, op.OperationID)
			}
			names[op.OperationID] = true
			if signed := method == "post"; signed != (op.RequestBody != nil) || signed != (len(op.Parameters) == 7) && signed {
				t.Errorf("%s %s: body %v, %d parameters", method, path, op.RequestBody, len(op.Parameters))
			}
			r := httptest.NewRequestWithContext(t.Context(), strings.ToUpper(method), strings.NewReplacer("{id}", "x", "{sha256}", "x").Replace(path), nil)
			if kind := e.problemOf(r); kind == contract.ProblemNotFound && !strings.Contains(path, "{") || kind == contract.ProblemMethod {
				t.Errorf("%s %s is not served: %s", method, path, kind)
			}
		}
	}
	for _, want := range []string{"lease", "renew", "release", "submit", "score", "proof", "getServer", "getRecipes", "getCrawls", "getStats", "getTasks",
		"getTask", "getSubmissions", "getVerdicts", "getStatement", "getLeaderboard", "getProofs", "getAudit", "getOpenapi", "getHealth", "getReady"} {
		if !names[want] {
			t.Errorf("operation %s is not described", want)
		}
	}
	_, body := e.get("/v1/openapi.json")
	for _, ref := range regexp.MustCompile(`#/components/(schemas|parameters)/([^"]+)`).FindAllStringSubmatch(body, -1) {
		if d.Components.Schemas[ref[2]] == nil && d.Components.Parameters[ref[2]] == nil {
			t.Errorf("%s leads nowhere", ref[0])
		}
	}
}

// TestDocumentTellsProblems: what an operation is refused with stands at its
// status.
func TestDocumentTellsProblems(t *testing.T) {
	lease := newEnv(t, 0).document().Paths["/v1/lease"]["post"]
	for status, want := range map[string][]string{
		"400": {contract.ProblemMalformed, contract.ProblemWrongOperation},
		"401": {contract.ProblemUnsigned, contract.ProblemStale, contract.ProblemFuture, contract.ProblemWrongScheme, contract.ProblemTruncatedSignature},
		"403": {contract.ProblemBanned, contract.ProblemNotRegistered},
		"409": {contract.ProblemReplayed},
		"426": {contract.ProblemOutdated},
		"429": {contract.ProblemQuota, contract.ProblemTooManyRequests},
		"503": {contract.ProblemChainUnavailable, contract.ProblemUnavailable},
	} {
		response := lease.Responses[status]
		for _, kind := range want {
			if !strings.Contains(response.Description, kind+":") {
				t.Errorf("%s: %q does not tell of %s", status, response.Description, kind)
			}
		}
		equal(t, "schema of "+status, response.Content[contract.ProblemMediaType].Schema.Ref, "#/components/schemas/Problem")
	}
}

// TestAnswersFitTheDocument checks what the server sends, with something in
// every list, against the schemas it publishes.
func TestAnswersFitTheDocument(t *testing.T) {
	e := newEnv(t, 3)
	ctx := t.Context()
	r := e.submitted("//Miner")
	validator := e.client("//Validator")
	check(t, validator.Score(ctx, []contract.Verdict{verdictOn(r, contract.VerdictAccepted, "1")}, firstHead))
	check(t, validator.SendProof(ctx, json.RawMessage(`{"a":1}`)))
	verdicts, _, err := validator.Verdicts(ctx, "", 0)
	check(t, err)
	d := e.document()
	registry := d.registry(t)
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		op, ok := d.Paths[path]["get"]
		if !ok || path == "/v1/openapi.json" {
			continue
		}
		real := strings.NewReplacer("{id}", r.Task, "{sha256}", verdicts[0].Statement).Replace(path)
		status, body := e.get(real)
		equal(t, "status of "+real, status, 200)
		ref := op.Responses["200"].Content["application/json"].Schema.Ref
		for _, err := range misfits(t, registry, ref, body) {
			t.Errorf("%s: %v", real, err)
		}
		if strings.Contains(body, "null") {
			t.Errorf("%s: a list that is null: %s", real, body)
		}
	}
}
