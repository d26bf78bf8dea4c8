package assets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"finest/internal/contract"
)

// Names of assets, which are the names of their files.
const (
	// The lists of datatrove 0.2.0's URL filter, which FineWeb was made with.
	Domains         = "domains"
	URLs            = "urls"
	BannedWords     = "banned_words.txt"
	BannedSubwords  = "banned_subwords.txt"
	SoftBannedWords = "soft_banned_words.txt"
	// Domains030 and URLs030 are the newer block-lists that datatrove 0.4.0 to
	// 0.10.1 have in the place of the two.
	Domains030 = "domains_v0_3_0"
	URLs030    = "urls_v0_3_0"
	// LanguageModel is fastText's unquantised model of 176 languages.
	LanguageModel = "lid.176.bin"
)

// builtIn is the one file that recipes pin and this program holds, fastText's
// quantised model; package langid embeds it.
const (
	builtIn       = "lid.176.ftz"
	builtInSHA256 = "8f3472cfe8738a7b6099e8e999c3cbfae0dcd15696aac7d7738a8039db603e83"
)

// BadWords returns the name of the list of bad words in a language, by its code
// in the catalogue.
func BadWords(language string) string { return "badwords_" + language + ".txt" }

// File is a file whose content is known.
type File struct {
	Name   string
	Bytes  int64
	SHA256 string
}

// Asset is a file that stages may pin or models are judged by, and where it may
// be had.
type Asset struct {
	File
	// Licence is what its makers state, Origin who they are.
	Licence, Origin string
	// Source is what to download: the asset itself, perhaps under another name,
	// or an archive that holds it at Member, or a folder whose files Parts, one
	// after the other, are the asset.
	Source Source
	Member string
	Parts  []Part
}

// Part is a file that is a part of an asset. It has no hash: that of the asset
// decides.
type Part struct {
	Name  string
	Bytes int64
}

// Source is a file on the web.
type Source struct {
	File
	// Base is the URL of its folder.
	Base string
}

// URL returns the address of the source.
func (s Source) URL() string { return s.Base + s.Name }

const (
	release      = "https://raw.githubusercontent.com/huggingface/datatrove/v0.2.0/src/datatrove/assets/"
	head         = "https://raw.githubusercontent.com/huggingface/datatrove/v0.10.0/src/datatrove/assets/"
	models       = "https://dl.fbaipublicfiles.com/fasttext/supervised-models/"
	ut1          = "block-lists of Université Toulouse Capitole, category adult"
	ldnoobw      = "https://raw.githubusercontent.com/LDNOOBW/List-of-Dirty-Naughty-Obscene-and-Otherwise-Bad-Words/"
	badEnglish   = ldnoobw + "25e679f03d96baa721cde20db9944649e8d0a844/"
	badOthers    = ldnoobw + "5faf2ba42d7b1c0977169ec3611df25a3c08eb13/"
	shutterstock = "List of Dirty, Naughty, Obscene, and Otherwise Bad Words, Shutterstock and contributors"
)

// Catalogue returns all assets, in the order in which they are listed to people:
// those that built-in stages may name, then those of Panel.
func Catalogue() []Asset { return append(stageAssets(), Panel()...) }

// stageAssets returns the assets of stages. Sizes and hashes are those of
// datatrove's files at its tags v0.2.0 and v0.10.0 (the wheels 0.2.0 and 0.10.1
// hold the same), of the model as fastText's site serves it, and of the commits
// of the bad words that datatrove 0.10.1 names, one for English and one for the
// others.
func stageAssets() []Asset {
	lists := Source{
		File: File{"url_filterblacklists.tar.gz", 17678810, "9659dda640e167426f5e4dc0c380a11ec6e0e5d9e9b1b575de2d49a349d542a7"},
		Base: release,
	}
	newerLists := Source{
		File: File{"url_filterblacklistsv0_3_0.tar.gz", 18172875, "b37eefe1f3103dfa46b21b3f407b8b23cec2958ea22028700e6cc44d80f55e9e"},
		Base: head,
	}
	all := []Asset{
		{
			File:    File{Domains, 122607801, "d6c71c68acd2f7d28103f4a61614cfe73569060ca776b5bfa1bec5bf2843db62"},
			Licence: "CC BY-SA", Origin: ut1, Source: lists, Member: "adult/domains",
		}, {
			File:    File{URLs, 541300, "3b9ae61148028061098bb3c0765104296e0a658fec080e761e20f708d0923799"},
			Licence: "CC BY-SA", Origin: ut1, Source: lists, Member: "adult/urls",
		},
		alone(File{BannedWords, 1732, "7aae5109ccc4d8357167168fa3a91331fa2fafd8eb8cc9c38cc9147c2610fab0"}, "Apache-2.0", "datatrove", release),
		alone(File{BannedSubwords, 1673, "4770445cd8d2b16495efde88bc4efc3a520bdc0f3137d14d85cd3d89b194a232"}, "Apache-2.0", "datatrove", release),
		alone(File{SoftBannedWords, 674, "e5043030accca33b0e368a693997576beea4c58279da641bff40b4e02281b063"}, "Apache-2.0", "datatrove", release),
		{
			File:    File{Domains030, 123616984, "774cc3b6567998658c9705376fb6f3c439fe425a4643324a6396085d55c037ca"},
			Licence: "CC BY-SA", Origin: ut1, Source: newerLists, Member: "domains",
		}, {
			File:    File{URLs030, 1061564, "e3c2fd3df042dfc5d0e53a0eb56d29cf0f3fdc3fc5b8253361b4f34deaee8bb1"},
			Licence: "CC BY-SA", Origin: ut1, Source: newerLists, Member: "urls",
		},
		alone(File{LanguageModel, 131266198, "7e69ec5451bc261cc7844e49e4792a85d7f09c06789ec800fc4a44aec362764e"}, "CC BY-SA 3.0",
			"fastText (Joulin et al. 2016)", models),
	}
	for _, f := range badWords {
		base := badOthers
		if f.Name == "en" {
			base = badEnglish
		}
		all = append(all, Asset{
			File: File{BadWords(f.Name), f.Bytes, f.SHA256}, Licence: "CC BY 4.0", Origin: shutterstock,
			Source: Source{File: f, Base: base},
		})
	}
	return all
}

// alone is an asset that is downloaded as it is.
func alone(f File, licence, origin, base string) Asset {
	return Asset{File: f, Licence: licence, Origin: origin, Source: Source{File: f, Base: base}}
}

// badWords are the lists by language, named as at their origin.
var badWords = [...]File{
	{"ar", 331, "23dbd9c55257bf2a4965f46664dc7eac04b61ff4eb3571e41f7e964c7c3ed96b"},
	{"cs", 302, "90706df86709bade1ca39cf9f9d9836409c674fc3bffcb7525bdd20e59b596bc"},
	{"da", 153, "ddb46ab67e955d1a5f49c89c18497d23c3d8d6d2522f3740a5d7583f90e434c6"},
	{"de", 534, "ebe44d7772897390e27f7bec412fdcdf0efc294e4db157f8487c4cd8d4fabd55"},
	{"en", 3566, "a506cbcf8a31935b122299f3bb1d32be6db3d0ad498765d28f365dfc4f4d7b8c"},
	{"eo", 278, "0374d76be1dbc77c61362d6e51305e1e4c546b7f734eb96e0bdbad7fd2a6ace1"},
	{"es", 617, "073334261cc2e7c08339faefd2f19f9623e8240a0ac18fe2a26c368b897496ce"},
	{"fa", 452, "85828629b90fd18a3f6f6efb1934c1294103c33d1c28c0653970adfa179169e9"},
	{"fi", 1219, "3e0b35b2533ba22fb526d882bea250ddfad907ee7548aacbe15db17e21034c62"},
	{"fil", 105, "fb4b43691b1249fee2eca1e66795daedda8e7366d42abcde6553dce611d23d99"},
	{"fr", 793, "79763a705e08256b393952852bb63aa903f4485e0ef02f70735f5e50efff213c"},
	{"fr-CA-u-sd-caqc", 47, "4a0ef5d55921c91df26676b214d3ac648deef11cfbc4587159ee9aab4085b09a"},
	{"hi", 1123, "83636e9b7a5260451e09e9e471f81dad9f082d107a82da77047e57d7856ed0cc"},
	{"hu", 780, "a6943a971496f16e9a9d59ba6fde146d229699600e9636828d8d34ed9160aff5"},
	{"it", 1451, "d413f41018d58aa79d2c4809d0161f29ffd5652c4dc34c5b7b9ade680ee5599a"},
	{"ja", 2339, "f83c4d0843ea6474c17bf171edd72b616b3af403f8613f2cde1bd841faf6f316"},
	{"kab", 196, "df7be2ce4a0c80ee717cd7134c90645a8a0f0c0c458a61f927934dbd50eac96d"},
	{"ko", 588, "0dd4b74ffea6e3bb35d658e6d8262b53ee99281eaa48ecb515a2065bfcc7f69d"},
	{"nl", 1909, "8298ba0cdc3ca9a1989c349b8ad0148e4504c2804f2f2fb6c2f52bfb39c5ae71"},
	{"no", 319, "e55b46bcec1ea288256924523a997d8d99e124c9aa3e61cbbbfaeca294f745b4"},
	{"pl", 483, "98cf824e3692255645c5a72d5913f26fd4f20930f725683b4c96bb312ca5d9b3"},
	{"pt", 629, "05ef524b0bb7f83f87257f6ec4dabf70e16b8bb6930f769fb93deaf608ff196d"},
	{"ru", 2223, "2598adabd2b761733d72a68d8ee4fcc1d2c38f2f85b6ff489985c6ce1d93bf75"},
	{"sv", 327, "77f3f99a89bd3b2bde6a654741bacfcb3acca3f5c804af4d8d3fea11e09ea562"},
	{"th", 493, "835036d87a3a67738e388cd6de92e3c995c186a1427b4e830fe7b85483c257e7"},
	{"tlh", 25, "3c19004e338c0d91d19ba419185279145848b75b2327aa0e3a752c604ad9f59d"},
	{"tr", 1509, "6c7ae03baee0f3fdc22eed169030567669005dad9a1923e0b571c4bd4f2f2ab5"},
	{"zh", 2675, "a1d9aa037c8b039ef3b40148b3364ce2ca62ce4a955b7082a16ad99f6cbd1bc0"},
}

// Named returns the assets of these names, in the order of the catalogue.
func Named(names ...string) ([]Asset, error) {
	var found []Asset
	var known []string
	for _, a := range Catalogue() {
		known = append(known, a.Name)
		if slices.Contains(names, a.Name) {
			found = append(found, a)
		}
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("unknown asset %q", name)
		}
	}
	return found, nil
}

// MustPin returns what a stage writes into a recipe to name these assets, in the
// order given. It panics if the catalogue lacks one: stages name them by
// constants.
func MustPin(names ...string) []contract.Asset {
	pins := make([]contract.Asset, 0, len(names))
	for _, name := range names {
		found, err := Named(name)
		if err != nil {
			panic(err)
		}
		pins = append(pins, contract.Asset{Name: name, SHA256: found[0].SHA256})
	}
	return pins
}

// Pinned returns the assets of the catalogue that a recipe pins, and the files of
// its own, of which the catalogue knows nothing. What is built in is neither.
func Pinned(r contract.Recipe) (known []Asset, own []contract.Asset) {
	var names []string
	for _, s := range r.Stages {
		for _, pin := range s.Assets {
			switch {
			case pin.Name == builtIn && pin.SHA256 == builtInSHA256:
			case inCatalogue(pin):
				names = append(names, pin.Name)
			case !slices.Contains(own, pin):
				own = append(own, pin)
			}
		}
	}
	known, _ = Named(names...) // all are in it
	return known, own
}

// Own describes a file that only a recipe pins by what lies in dir: it has the
// size of that, or 0 if it is missing.
func Own(dir string, pin contract.Asset) (Asset, error) {
	a := Asset{File: File{Name: pin.Name, SHA256: pin.SHA256}}
	if !isFileName(pin.Name) {
		return a, fmt.Errorf("asset name %q is no file name", pin.Name)
	}
	info, err := os.Stat(filepath.Join(dir, pin.Name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return a, nil
	case err != nil:
		return a, fmt.Errorf("check asset: %w", err)
	}
	a.Bytes = info.Size()
	return a, nil
}
