package taskserver

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"finest/internal/contract"
)

// The OpenAPI document is made of the table of routes and of the Go types of the
// bodies, so it cannot say anything else than the server does.

const description = `Splits crawls into tasks, leases them to miners with signed receipts, and relays verdicts and fraud proofs.

GETs are public. POSTs carry Epistula v2 headers: sr25519 in the context "substrate" over the hex SHA-256 of the body, UUID, timestamp and receiver, joined by full stops.
A body names its operation, has every field once and no other; a query has the parameters of its operation at most once and no others. Numbers are integers below 2^53, decimals are strings. Repeating a request with a new UUID is safe: it is answered as the first was.
Refusals are problem details (RFC 9457) of a stable type.`

// problems of all routes, and of all signed ones.
var (
	problemsOfAll    = []string{contract.ProblemMalformed, contract.ProblemUnavailable, contract.ProblemInternal}
	problemsOfSigned = []string{
		contract.ProblemWrongOperation, contract.ProblemTooLarge, contract.ProblemUnsigned,
		contract.ProblemMalformedHeader, contract.ProblemTruncatedSignature, contract.ProblemWrongScheme, contract.ProblemBadSignature,
		contract.ProblemStale, contract.ProblemFuture, contract.ProblemWrongReceiver, contract.ProblemReplayed, contract.ProblemNotRegistered,
		contract.ProblemOutdated, contract.ProblemTooManyRequests, contract.ProblemChainUnavailable,
	}
)

// document returns the OpenAPI document of the API.
func document() ([]byte, error) {
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	doc := &huma.OpenAPI{
		OpenAPI:    "3.1.0",
		Info:       &huma.Info{Title: "finest task server", Version: strconv.Itoa(contract.ClientVersion), Description: description},
		Components: &huma.Components{Schemas: registry, Parameters: signatureHeaders()},
		Paths:      make(map[string]*huma.PathItem),
	}
	requests := make(map[string]bool)
	for _, r := range table() {
		op := r.operation(registry)
		if r.request != nil {
			requests[r.request.Name()] = true
			op.Parameters = append(op.Parameters, headerRefs()...)
		}
		item := &huma.PathItem{Get: op}
		if r.method == http.MethodPost {
			item = &huma.PathItem{Post: op}
		}
		doc.Paths[r.path] = item
	}
	for name, schema := range registry.Map() {
		refine(schema, requests[name])
	}
	enumerate(registry.Map())
	raw, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("OpenAPI document: %w", err)
	}
	return raw, nil
}

func (r route) operation(registry huma.Registry) *huma.Operation {
	op := &huma.Operation{OperationID: r.id, Summary: r.summary, Responses: make(map[string]*huma.Response)}
	for _, p := range r.params {
		op.Parameters = append(op.Parameters, p.describe())
	}
	if r.request != nil {
		about := fmt.Sprintf("At most %d bytes.", r.maxBody)
		if r.maxBody > maxBody {
			about = fmt.Sprintf("At most %d bytes, without a validator permit %d.", r.maxBody, maxBody)
		}
		op.RequestBody = &huma.RequestBody{Required: true, Content: content("application/json", registry, r.request), Description: about}
	}
	done := &huma.Response{Description: "No content"}
	status := http.StatusNoContent
	if r.response != nil {
		done = &huma.Response{Description: "OK", Content: content("application/json", registry, r.response)}
		status = http.StatusOK
	}
	op.Responses[strconv.Itoa(status)] = done
	for status, types := range r.refusals() {
		op.Responses[strconv.Itoa(status)] = refusal(registry, status, types)
	}
	return op
}

func content(mediaType string, registry huma.Registry, t reflect.Type) map[string]*huma.MediaType {
	return map[string]*huma.MediaType{mediaType: {Schema: registry.Schema(t, true, "")}}
}

// refusals are the types of problems of a route by status.
func (r route) refusals() map[int][]string {
	types := slices.Concat(r.problems, problemsOfAll)
	if r.request != nil {
		types = slices.Concat(problemsOfSigned, types)
	}
	byStatus := make(map[int][]string)
	for _, t := range types {
		status := kinds[t].status
		if !slices.Contains(byStatus[status], t) {
			byStatus[status] = append(byStatus[status], t)
		}
	}
	return byStatus
}

func refusal(registry huma.Registry, status int, types []string) *huma.Response {
	lines := make([]string, len(types))
	for i, t := range types {
		lines[i] = t + ": " + kinds[t].title
	}
	r := &huma.Response{Description: strings.Join(lines, "; "),
		Content: content(contract.ProblemMediaType, registry, reflect.TypeFor[contract.Problem]())}
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		r.Headers = map[string]*huma.Param{"Retry-After": {
			Description: "Seconds until the request may succeed", Schema: &huma.Schema{Type: huma.TypeInteger}}}
	}
	return r
}

func (p param) describe() *huma.Param {
	schema := &huma.Schema{Type: huma.TypeString}
	if p.max > 0 {
		low, high := float64(p.min), float64(p.max)
		schema = &huma.Schema{Type: huma.TypeInteger, Format: "int64", Minimum: &low, Maximum: &high}
	}
	in := "query"
	if p.inPath {
		in = "path"
	}
	return &huma.Param{Name: p.name, In: in, Description: p.about, Required: p.inPath, Schema: schema}
}

// headers are those of signed requests.
var headers = []struct{ name, about, pattern string }{
	{contract.HeaderVersion, "Version of Epistula", `^2$`},
	{contract.HeaderTimestamp, "Milliseconds of Unix time", `^[1-9][0-9]{0,14}$`},
	{contract.HeaderUUID, "Used once", `^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`},
	{contract.HeaderSignedBy, "SS58 address of the sender's hotkey", `^[1-9A-HJ-NP-Za-km-z]{46,49}$`},
	{contract.HeaderSignedFor, "SS58 address of this server", `^[1-9A-HJ-NP-Za-km-z]{46,49}$`},
	{contract.HeaderSignature, "sr25519 over hex SHA-256 of the body, UUID, timestamp and receiver, joined by full stops", `^0x[0-9a-f]{128}$`},
	{contract.HeaderClient, "Version of the client; without it is not checked", `^[0-9]+$`},
}

func signatureHeaders() map[string]*huma.Param {
	params := make(map[string]*huma.Param, len(headers))
	for _, h := range headers {
		params[h.name] = &huma.Param{Name: h.name, In: "header", Description: h.about, Required: h.name != contract.HeaderClient,
			Schema: &huma.Schema{Type: huma.TypeString, Pattern: h.pattern}}
	}
	return params
}

func headerRefs() []*huma.Param {
	refs := make([]*huma.Param, len(headers))
	for i, h := range headers {
		refs[i] = &huma.Param{Ref: "#/components/parameters/" + h.name}
	}
	return refs
}

// refine corrects what the generator assumes: lists are never null here, and
// answers may get more fields, while requests must not have any.
func refine(s *huma.Schema, request bool) {
	if !request && s.AdditionalProperties == false {
		s.AdditionalProperties = nil
	}
	for _, property := range s.Properties {
		property.Nullable = false
	}
}

// enumerate adds the values that a property can have.
func enumerate(schemas map[string]*huma.Schema) {
	leases := []string{contract.LeaseLive, contract.LeaseReleased, contract.LeaseExpired, contract.LeaseSubmitted}
	outcomes := []string{contract.VerdictAccepted, contract.VerdictRejected, contract.VerdictUndecided}
	for _, e := range []struct {
		schema, property string
		values           []string
	}{
		{"TaskView", "state", contract.TaskStates[:]}, {"LeaseStatus", "state", leases},
		{"Verdict", "outcome", outcomes}, {"VerdictView", "outcome", outcomes},
		{"LeaseRequest", "op", []string{contract.OpLease}}, {"RenewRequest", "op", []string{contract.OpRenew}},
		{"ReleaseRequest", "op", []string{contract.OpRelease}}, {"SubmitRequest", "op", []string{contract.OpSubmit}},
		{"ScoreRequest", "op", []string{contract.OpScore}}, {"ProofRequest", "op", []string{contract.OpProof}},
	} {
		for _, v := range e.values {
			schemas[e.schema].Properties[e.property].Enum = append(schemas[e.schema].Properties[e.property].Enum, v)
		}
	}
}
