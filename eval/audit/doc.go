// Package audit makes the checks of a submission: that it is bound to a lease
// and a claim, that its files hold together, that a slice of it chosen by
// chance is what the recipe makes of the crawl's bytes, and that its clusters
// are what its band keys say. What is found wrong in a slice or in the clusters
// becomes a fraud proof that anyone can confirm.
//
// A submission comes from a stranger. Nothing of it is trusted before it was
// compared with a hash, and no check accuses anybody because of an error of the
// crawl, the hub or the machine it runs on: such errors carry an eval.Fault and
// leave the check undecided. An error that a check returns, rather than a
// verdict, is that of a context that was cancelled.
package audit
