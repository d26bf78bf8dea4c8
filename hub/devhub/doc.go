// Package devhub is a development hub that speaks the wire of the Hugging Face
// Hub for datasets: the HTTP API that the Hub's own clients use, over the
// repositories of a localhub.Hub. Documented at
// https://huggingface.co/docs/hub/api and in the clients themselves.
//
// It has revisions, branches, tags, pull requests, LFS with basic and multipart
// uploads, private and gated repositories and typed errors. Large files are
// served and taken by a second host, the storage, with URLs that are signed and
// expire; an Authorization header is refused there, as an object store does.
//
// It is no copy of the Hub where nobody looks: any token that begins with "hf_"
// is somebody who may write everywhere, quotas are announced and never
// enforced, .gitattributes does not follow what is committed, pull requests are
// never merged, there are no models and Spaces, no Xet, no Git, and no pages for
// people.
//
// Faults makes it do what hubs and networks do at bad times: refuse, fail after
// the work is done, cut connections, send wrong bytes.
package devhub
