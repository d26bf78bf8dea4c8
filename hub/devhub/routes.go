package devhub

import "net/http"

// handler answers, or fails before it has written anything.
type handler func(w http.ResponseWriter, r *http.Request) error

func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := h(w, r); err != nil {
		writeProblem(w, problemOf(err))
	}
}

// routes returns the API. A revision is one escaped segment of a path.
func (s *Server) routes() http.Handler {
	const (
		api  = "/api/datasets/{owner}/{name}"
		site = "/datasets/{owner}/{name}"
	)
	mux := http.NewServeMux()
	for pattern, h := range map[string]handler{
		"GET /api/whoami-v2":       s.whoAmI,
		"POST /api/validate-yaml":  s.validateCard,
		"POST /api/repos/create":   s.createRepo,
		"DELETE /api/repos/delete": s.deleteRepo,

		"GET " + api:                                 s.info,
		"GET " + api + "/revision/{rev}":             s.info,
		"PUT " + api + "/settings":                   s.changeSettings,
		"GET " + api + "/auth-check":                 s.mayOpen,
		"POST " + api + "/user-access-request/grant": s.grant,
		"POST " + site + "/ask-access":               s.askAccess,
		"GET " + api + "/tree/{rev}":                 s.tree,
		"GET " + api + "/tree/{rev}/{path...}":       s.tree,
		"POST " + api + "/paths-info/{rev}":          s.pathsInfo,
		"GET " + api + "/commits/{rev}":              s.log,
		"GET " + api + "/refs":                       s.refs,
		"POST " + api + "/branch/{branch}":           s.createBranch,
		"DELETE " + api + "/branch/{branch}":         s.deleteBranch,
		"POST " + api + "/tag/{rev}":                 s.createTag,
		"DELETE " + api + "/tag/{rev}":               s.deleteTag,
		"POST " + api + "/super-squash/{branch}":     s.squash,
		"POST " + api + "/discussions":               s.openPull,
		"GET " + api + "/discussions":                s.pulls,
		"GET " + api + "/discussions/{number}":       s.pull,
		"POST " + api + "/preupload/{rev}":           s.preupload,
		"POST " + api + "/commit/{rev}":              s.commit,
		"POST " + site + "/info/lfs/objects/batch":   s.lfsBatch,
		"POST " + site + "/info/lfs/objects/verify":  s.lfsVerify,
		"POST " + completePath:                       s.complete,
		"GET " + site + "/resolve/{rev}/{path...}":   s.resolve,
		"GET " + site + "/raw/{rev}/{path...}":       s.raw,
		"/":                                          nowhere,
	} {
		mux.Handle(pattern, h)
	}
	return mux
}

func nowhere(http.ResponseWriter, *http.Request) error {
	return refuse(http.StatusNotFound, "Sorry, we can't find the page you are looking for.")
}
