using System.CommandLine;

namespace KernelBypass.Cli.Verbs;

/// <summary>kbctl completion: shell code that completes kbctl's command lines.</summary>
internal sealed class CompletionVerb : IVerb
{
    // The [suggest:N] directive answers completions for a command line and a cursor position.
    private const string Bash = """
        _kbctl() {
            local IFS=$'\n'
            COMPREPLY=($(compgen -W "$(kbctl "[suggest:${COMP_POINT}]" "${COMP_LINE}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
        }
        complete -o default -F _kbctl kbctl
        """;

    private const string Zsh = """
        #compdef kbctl
        _kbctl() {
            local -a words_found
            words_found=("${(@f)$(kbctl "[suggest:${CURSOR}]" "${BUFFER}" 2>/dev/null)}")
            compadd -a words_found
        }
        compdef _kbctl kbctl
        """;

    private const string Fish = """
        complete -c kbctl -f -a '(kbctl "[suggest:"(commandline -C)"]" (commandline -p) 2>/dev/null)'
        """;

    public IReadOnlyList<string> Examples => ["completion bash > /etc/bash_completion.d/kbctl", "completion zsh", "completion fish"];

    public Command Build()
    {
        var shell = new Argument<string>("shell") { Description = "bash, zsh or fish" };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        var command = new Command("completion", "Shell code for completion; source it.") { shell };
        command.SetAction(arguments =>
        {
            arguments.InvocationConfiguration.Output.WriteLine(arguments.GetValue(shell) switch { "zsh" => Zsh, "fish" => Fish, _ => Bash });
            return ExitCode.Ok;
        });
        return command;
    }
}
