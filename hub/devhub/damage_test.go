package devhub_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"finest/internal/canon"
)

// Damage on the disk is an error of the server, never other bytes.
func TestDamagedObject(t *testing.T) {
	w := withRepo(t)
	w.publish(map[string]string{"f": "text", "f.parquet": "rows"})
	to := w.get(site + "/resolve/main/f.parquet").Header.Get("Location")
	for _, content := range []string{"text", "rows"} {
		sum := canon.Sum([]byte(content))
		path := filepath.Join(w.dir, "objects", sum[:2], sum)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("TEXT"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w.get(site+"/resolve/main/f").refuses(http.StatusInternalServerError, "")
	w.do(request{method: "GET", path: to, as: anonymous}).wants(http.StatusInternalServerError).says("InternalError")
	// Uploading it again mends it.
	if got := w.batch(both, "rows").Objects[0]; got.Actions == nil {
		t.Fatal("the damaged object counts as stored")
	} else {
		w.put(got.Actions["upload"].Href, "rows").wants(http.StatusOK)
	}
	if got := w.do(request{method: "GET", path: to, as: anonymous}).wants(http.StatusOK); got.text != "rows" {
		t.Errorf("the mended object is %q", got.text)
	}
}

// A folder that is out of reach is trouble that may pass.
func TestStoreOutOfReach(t *testing.T) {
	w := withRepo(t)
	w.publish(map[string]string{"f.parquet": "rows"})
	upload := w.batch(both, "new").Objects[0].Actions["upload"].Href
	for _, sub := range []string{"objects", "incoming", "repos"} {
		dir := filepath.Join(w.dir, sub)
		if err := os.Rename(dir, dir+".away"); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dir, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w.put(upload, "new").wants(http.StatusServiceUnavailable).says("ServiceUnavailable")
	w.post(batch, object{"operation": "upload", "objects": []object{{"oid": canon.Sum([]byte("new")), "size": 3}}}).refuses(http.StatusServiceUnavailable, "")
	for _, path := range []string{api, api + "/tree/main", site + "/resolve/main/f.parquet"} {
		w.get(path).refuses(http.StatusServiceUnavailable, "")
	}
	w.post("/api/repos/create", object{"name": "x", "type": "dataset"}).refuses(http.StatusServiceUnavailable, "")
}
