# fish completion for carbon-provision; written by `carbon-provision completion`.
function __carbon_provision_complete
    set --local words (commandline --tokenize --cut-at-cursor --current-process) (commandline --current-token --cut-at-cursor)
    $words[1] --complete $words[2..-1] 2>/dev/null
end
complete --command carbon-provision --arguments '(__carbon_provision_complete)'
