module github.com/okienko/okienko

go 1.26.0
