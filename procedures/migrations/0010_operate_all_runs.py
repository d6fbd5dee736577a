from django.db import migrations

NAME = 'Can operate all runs'


def rename(apps, schema_editor):
    """Django leaves the words of a permission that is there as they are."""
    permissions = apps.get_model('auth', 'Permission').objects
    permissions.filter(content_type__app_label='procedures', codename='operate_run').update(name=NAME)


class Migration(migrations.Migration):

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('contenttypes', '0002_remove_content_type_name'),
        ('procedures', '0009_one_index_each'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='run',
            options={'ordering': ['-id'], 'permissions': [('operate_run', NAME)]},
        ),
        migrations.RunPython(rename, migrations.RunPython.noop),
    ]
