package devhub_test

import (
	"net/http"
	"testing"

	"finest/hub/devhub"
)

func TestWhoAmI(t *testing.T) {
	w := start(t)
	for header, name := range map[string]string{
		"Bearer hf_tester":     "tester",
		"Bearer hf_a.b-c_d":    "a.b-c_d",
		"Bearer hf_ not\x00a ": "user",
		"Bearer hf_../../etc":  "user",
	} {
		var who struct {
			Name, Type string
			Auth       struct{ AccessToken struct{ Role string } }
		}
		w.do(request{method: "GET", path: "/api/whoami-v2", as: header}).wants(http.StatusOK).into(&who)
		if who.Name != name || who.Type != "user" || who.Auth.AccessToken.Role != "write" {
			t.Errorf("%q is %+v, want %s", header, who, name)
		}
	}
	for _, header := range []string{"Bearer x", "Bearer hf_", "hf_tester", "Basic hf_tester", "bearer hf_tester"} {
		w.do(request{method: "GET", path: "/api/whoami-v2", as: header}).refuses(http.StatusUnauthorized, "").
			says("Invalid credentials in Authorization header")
	}
	w.do(request{method: "GET", path: "/api/whoami-v2", as: anonymous}).refuses(http.StatusUnauthorized, "")
}

func TestCreate(t *testing.T) {
	w := start(t)
	for _, c := range []struct {
		body object
		repo string
	}{
		{object{"name": "a", "type": "dataset"}, "tester/a"},
		{object{"name": "b", "organization": nil, "type": "dataset", "private": false}, "tester/b"},
		{object{"name": "c", "organization": "org", "type": "dataset"}, "org/c"},
		{object{"name": "other/d", "type": "dataset", "visibility": "public", "sdk": nil}, "other/d"},
	} {
		var made struct{ URL, Name string }
		w.post("/api/repos/create", c.body).wants(http.StatusOK).into(&made)
		if want := "http://localhost/datasets/" + c.repo; made.URL != want || made.Name != c.repo {
			t.Errorf("%v makes %+v, want %s", c.body, made, want)
		}
		made.URL = ""
		again := w.post("/api/repos/create", c.body).refuses(http.StatusConflict, "")
		if again.into(&made); made.URL != "http://localhost/datasets/"+c.repo {
			t.Errorf("the second time the URL is %q", made.URL)
		}
		var files []struct{ Path string }
		w.get("/api/datasets/" + c.repo + "/tree/main").wants(http.StatusOK).into(&files)
		if len(files) != 1 || files[0].Path != ".gitattributes" {
			t.Errorf("%s begins with %v, want .gitattributes", c.repo, files)
		}
	}
	for _, body := range []any{
		object{"name": "m"}, object{"name": "m", "type": "model"}, object{"name": "../m", "type": "dataset"},
		object{"name": "a/b/c", "type": "dataset"}, object{"name": "", "type": "dataset"}, object{"name": "x.git", "type": "dataset"},
		object{"name": "x--y", "type": "dataset"}, object{"name": "x", "type": "dataset", "visibility": "secret"},
		object{"name": "x", "type": "dataset", "gated": "often"}, "{", "[]", "",
	} {
		w.post("/api/repos/create", body).refuses(http.StatusBadRequest, "")
	}
	w.do(request{method: "POST", path: "/api/repos/create", body: object{"name": "x", "type": "dataset"}, as: anonymous}).
		refuses(http.StatusUnauthorized, "RepoNotFound")
}

func TestDelete(t *testing.T) {
	w := withRepo(t)
	remove := request{method: "DELETE", path: "/api/repos/delete", body: object{"name": "corpus", "organization": "tester", "type": "dataset"}}
	anonymously := remove
	anonymously.as = anonymous
	w.do(anonymously).refuses(http.StatusUnauthorized, "RepoNotFound")
	if got := w.do(remove).wants(http.StatusOK); got.text != "" {
		t.Errorf("deleting answers %q, want nothing", got.text)
	}
	w.do(remove).refuses(http.StatusNotFound, "RepoNotFound")
	w.get(api).refuses(http.StatusNotFound, "RepoNotFound")
}

func TestMissingRepository(t *testing.T) {
	w := start(t)
	for _, path := range []string{
		api, api + "/tree/main", api + "/refs", api + "/commits/main", site + "/resolve/main/f", site + "/raw/main/f",
		"/api/datasets/../x", "/api/datasets/..%2Fx/y", "/api/datasets/a/%00",
	} {
		got := w.get(path)
		if got.StatusCode == http.StatusTemporaryRedirect { // to the path without dots
			continue
		}
		got.refuses(http.StatusNotFound, "RepoNotFound")
		w.do(request{method: "GET", path: path, as: anonymous}).refuses(http.StatusUnauthorized, "RepoNotFound")
	}
}

// A private repository cannot be told from a missing one.
func TestPrivate(t *testing.T) {
	w := withRepo(t)
	w.publish(map[string]string{"f": "x", "g.parquet": "y"})
	for _, path := range []string{api, api + "/tree/main", site + "/resolve/main/f", site + "/resolve/main/g.parquet", site + "/raw/main/f"} {
		w.do(request{method: "PUT", path: api + "/settings", body: object{"visibility": "private"}}).wants(http.StatusOK)
		w.do(request{method: "GET", path: path, as: anonymous}).refuses(http.StatusUnauthorized, "RepoNotFound")
		if got := w.get(path); got.StatusCode >= 400 {
			t.Errorf("with a token %s answers %d", path, got.StatusCode)
		}
		w.do(request{method: "PUT", path: api + "/settings", body: object{"private": false}}).wants(http.StatusOK)
		if got := w.do(request{method: "GET", path: path, as: anonymous}); got.StatusCode >= 400 {
			t.Errorf("once public %s answers %d", path, got.StatusCode)
		}
	}
}

func TestGated(t *testing.T) {
	w := withRepo(t)
	w.publish(map[string]string{"f": "x", "g.parquet": "y"})
	w.do(request{method: "PUT", path: api + "/settings", body: object{"gated": "manual"}}).wants(http.StatusOK)
	for _, path := range []string{site + "/resolve/main/f", site + "/resolve/main/g.parquet", site + "/raw/main/f", api + "/auth-check"} {
		w.do(request{method: "GET", path: path, as: anonymous}).refuses(http.StatusUnauthorized, "GatedRepo")
		w.do(request{method: "GET", path: path, as: "Bearer hf_other"}).refuses(http.StatusForbidden, "GatedRepo")
		if got := w.get(path); got.StatusCode >= 400 {
			t.Errorf("the owner gets %d from %s", got.StatusCode, path)
		}
	}
	w.do(request{method: "GET", path: api + "/tree/main", as: anonymous}).wants(http.StatusOK)
	down := object{"operation": "download", "objects": []object{}}
	w.do(request{method: "POST", path: batch, body: down, as: "Bearer hf_other"}).refuses(http.StatusForbidden, "GatedRepo")

	check := func(user string) int {
		return w.do(request{method: "GET", path: api + "/auth-check", as: "Bearer hf_" + user}).StatusCode
	}
	ask := request{method: "POST", path: site + "/ask-access", as: "Bearer hf_asker"}
	w.do(ask).wants(http.StatusOK)
	if got := check("asker"); got != http.StatusForbidden {
		t.Errorf("who has asked only gets %d, want 403", got)
	}
	w.post(api+"/user-access-request/grant", object{"user": "asker"}).wants(http.StatusOK)
	if got := check("asker"); got != http.StatusOK {
		t.Errorf("who was let in gets %d, want 200", got)
	}
	w.post(api+"/user-access-request/grant", object{"user": "a b"}).refuses(http.StatusBadRequest, "")
	w.do(request{method: "PUT", path: api + "/settings", body: object{"gated": "auto"}}).wants(http.StatusOK)
	ask.as = "Bearer hf_other"
	w.do(ask).wants(http.StatusOK)
	if got := check("other"); got != http.StatusOK {
		t.Errorf("who has asked gets %d, want 200", got)
	}
}

func TestValidateCard(t *testing.T) {
	w := start(t)
	for card, status := range map[string]int{
		"":                                200,
		"no metadata":                     200,
		"---\nlicense: odc-by\n---\ntext": 200,
		"---\r\na: b\r\n---":              200,
		"---\n---\n":                      200,
		"---\nlicense: odc-by\n":          400,
	} {
		var got struct{ Errors, Warnings []struct{ Message string } }
		w.post("/api/validate-yaml", object{"content": card, "repoType": "dataset"}).wants(status).into(&got)
		if got.Errors == nil || got.Warnings == nil || (len(got.Errors) > 0) != (status == 400) {
			t.Errorf("%q gives %+v", card, got)
		}
	}
}

// Every answer of the API names the request and the rate limit.
func TestHeaders(t *testing.T) {
	w := start(t, func(o *devhub.Options) { o.PageSize = 1 })
	ids := map[string]bool{}
	for _, path := range []string{"/api/whoami-v2", "/", "/nowhere", api, site + "/resolve/main/f"} {
		h := w.get(path).Header
		if h.Get("RateLimit") != `"api";r=990;t=200` || h.Get("RateLimit-Policy") != `"fixed window";"api";q=1000;w=300` {
			t.Errorf("%s has the limits %q, %q", path, h.Get("RateLimit"), h.Get("RateLimit-Policy"))
		}
		if id := h.Get("X-Request-Id"); id == "" || ids[id] {
			t.Errorf("%s has the id %q", path, id)
		}
		ids[h.Get("X-Request-Id")] = true
	}
}
