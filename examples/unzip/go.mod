module example.com/unzip

go 1.26
