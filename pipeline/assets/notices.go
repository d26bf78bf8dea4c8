package assets

import (
	"slices"

	"finest/internal/contract"
)

// Notice says what stands to be said of a file that a recipe pins, where its use
// is made known.
type Notice struct {
	Name string
	// Stages use it.
	Stages []string
	// Licence, Origin and URL are empty for a file that the recipe alone pins.
	Licence, Origin, URL string
}

// Notices returns one notice for each file that the recipe pins, in its order.
func Notices(r contract.Recipe) []Notice {
	var notices []Notice
	at := make(map[contract.Asset]int)
	for _, s := range r.Stages {
		for _, pin := range s.Assets {
			i, ok := at[pin]
			if !ok {
				i = len(notices)
				at[pin] = i
				notices = append(notices, notice(pin))
			}
			if !slices.Contains(notices[i].Stages, s.Name) {
				notices[i].Stages = append(notices[i].Stages, s.Name)
			}
		}
	}
	return notices
}

func notice(pin contract.Asset) Notice {
	if pin.Name == builtIn && pin.SHA256 == builtInSHA256 {
		return Notice{
			Name: pin.Name, Licence: "CC BY-SA 3.0", Origin: "fastText (Joulin et al. 2016), quantised",
			URL: "https://fasttext.cc/docs/en/language-identification.html",
		}
	}
	if !inCatalogue(pin) {
		return Notice{Name: pin.Name}
	}
	found, _ := Named(pin.Name) // it is in it
	return Notice{Name: pin.Name, Licence: found[0].Licence, Origin: found[0].Origin, URL: found[0].Source.URL()}
}
