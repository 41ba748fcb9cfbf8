"The variants, one module each; `lagsae variants` lists them with their hyper-parameters"
