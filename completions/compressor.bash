_compressor_completion() {
    local IFS=$'
'
    COMPREPLY=( $( env COMP_WORDS="${COMP_WORDS[*]}" \
                   COMP_CWORD=$COMP_CWORD \
                   _COMPRESSOR_COMPLETE=complete_bash $1 ) )
    return 0
}

complete -o nosort -o default -F _compressor_completion compressor 2>/dev/null ||
    complete -o default -F _compressor_completion compressor
